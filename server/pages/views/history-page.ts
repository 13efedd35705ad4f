/** `history/JOB.json` and `history/JOB.html`: the outcomes of a job's newest runs and of their tasks. Pure. */
import {
  commitPage,
  historyFile,
  historyPage,
  linkBetween,
  runPage,
  type SitePath,
} from '../../../model/path.js';
import type { JobName } from '../../../model/name.js';
import { isGreen, type TaskOutcome } from '../../../model/outcome.js';
import type { TaskRow } from '../../../model/row.js';
import { Fragment } from '../../../templates/fragment.js';
import type { HistoryView } from '../../../templates/page.js';
import type { HistoryRowView } from '../../../templates/part.js';
import { renderFragment, renderPageWithFragments } from '../../../templates/template.js';
import {
  durationText,
  hostWord,
  instantOf,
  markOf,
  shortCommit,
  visibleText,
} from '../../../templates/wording.js';
import type { ReadDetails } from '../../store/job-details-cache.js';
import type { Job, FinishedJob, SiteView } from '../../state/site-view.js';
import { FragmentCache } from './fragment-cache.js';
import { pageFrame } from './page-frame.js';
import { jobHref, jobStart, logHref, runLabel } from './job-view.js';
import { isoTime } from './latest-file.js';
import type { JobDetails } from '../../store/stored-job.js';

const maxRuns = 100;
/** How many runs to search for a green one. */
const maxRunsSearched = 1000;
/** The maximum number of listed commits since the last green run. */
const maxCommits = 100;
/** The maximum number of columns in the table of tasks. */
const maxColumns = 30;
const maxTasks = 200;
/** For a job with more tasks, only its outcome is shown, since each new run would read the tasks of a hundred runs. */
const maxTasksRead = 2000;
const schema = 1;

/** Returns undefined if the job has never ended. */
export function renderHistoryFile(site: SiteView, job: JobName, details: ReadDetails): Buffer | undefined {
  const newest = site.history(job, maxRuns);
  if (newest.length === 0) return undefined;
  const page = historyFile(job);
  const { green, since } = splitAtGreen(findSearchedRuns(site, job, newest));
  const head = JSON.stringify({
    schema,
    job,
    lastGreen: green && runJson(page, green),
    commitsSince: since,
  });
  const runs = newest.flatMap((entry, index) => [
    ...(index === 0 ? [] : [comma]),
    runCache.get(entry.job, [entry.run.branch, entry.run.commit, readDetails(entry, details)], () => {
      const json = { ...runJson(page, entry), tasks: tasksJson(entry, details) };
      return new Fragment(JSON.stringify(json));
    }).bytes,
  ]);
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"runs":[`), ...runs, Buffer.from(']}\n')]);
}

const comma = Buffer.from(',');
const runCache = new FragmentCache();
const rowCache = new FragmentCache();

/** Returns the newest runs, or more of them if none is green. */
function findSearchedRuns(
  site: SiteView,
  job: JobName,
  newest: readonly FinishedJob[],
): readonly FinishedJob[] {
  const isEnough = newest.length < maxRuns || newest.some((entry) => isGreen(entry.job.outcome));
  return isEnough ? newest : site.history(job, maxRunsSearched);
}

function runJson(page: SitePath, { run, job }: FinishedJob): object {
  const { address, outcome, summary } = job;
  return {
    host: address.host,
    run: address.name,
    branch: run.branch,
    commit: summary?.origin.commit ?? run.commit,
    outcome,
    startTime: isoTime(jobStart(job)),
    elapsedSeconds: summary?.seconds,
    page: linkBetween(page, runPage(address)),
  };
}

const tasksJson = (entry: FinishedJob, details: ReadDetails): object =>
  Object.fromEntries(
    taskRows(entry, details).map((row) => {
      const { task, elapsedSeconds } = row;
      return [task, { outcome: taskOutcome(entry.job, row), elapsedSeconds }] as const;
    }),
  );

/** A task that passed after it failed on the same commit is flaky, as on the run's page. */
const taskOutcome = ({ flakyTasks }: Job, { task, outcome }: TaskRow): TaskOutcome =>
  outcome === 'passed' && flakyTasks.includes(task) ? 'flaky' : outcome;

const taskRows = (entry: FinishedJob, details: ReadDetails): readonly TaskRow[] =>
  readDetails(entry, details).rows.flatMap((row) => (row.kind === 'row' ? [row] : []));

const readDetails = ({ job }: FinishedJob, details: ReadDetails): JobDetails =>
  (job.summary?.rows ?? 0) > maxTasksRead ? noDetails : details(job.address);

const noDetails: JobDetails = { rows: [], problems: [] };

/** Returns the newest green run, and the commits of the runs after it, newest first. */
function splitAtGreen(newest: readonly FinishedJob[]) {
  const index = newest.findIndex(({ job }) => isGreen(job.outcome));
  const after = index === -1 ? newest : newest.slice(0, index);
  const green = newest[index];
  const own = green?.job.summary?.origin.commit;
  const since = new Set(after.flatMap(({ run, job }) => job.summary?.origin.commit ?? run.commit ?? []));
  if (own !== undefined) since.delete(own);
  return { green, since: [...since].slice(0, maxCommits) };
}

export function renderHistoryPage(site: SiteView, job: JobName, details: ReadDetails): Buffer | undefined {
  const newest = site.history(job, maxRuns);
  if (newest.length === 0) return undefined;
  const page = historyPage(job);
  const longest = Math.max(1, ...newest.map(({ job: { summary } }) => summary?.seconds ?? 0));
  const searched = findSearchedRuns(site, job, newest);
  const { green, since } = splitAtGreen(searched);
  const view: HistoryView = {
    frame: pageFrame(site, page, `History of ${visibleText(job)}`),
    heading: visibleText(job),
    fileHref: linkBetween(page, historyFile(job)),
    lastGreen: green && {
      text: runLabel(green.job.address),
      href: jobHref(green.job.address, page),
      time: instantOf(jobStart(green.job)),
    },
    since: since.map((commit) => {
      const entry = searched.find(
        (other) => (other.job.summary?.origin.commit ?? other.run.commit) === commit,
      );
      return {
        text: shortCommit(commit),
        href: linkBetween(page, commitPage(entry?.run.folder.host ?? 'github', commit)),
        subject: visibleText(entry?.job.summary?.origin.commitLine ?? ''),
      };
    }),
    runs: newest.map((entry) =>
      rowCache.get(entry.job, [entry.run.branch, entry.run.commit, longest], () =>
        renderFragment('history-row', historyRowView(entry, page, longest)),
      ),
    ),
    columns: newest.slice(0, maxColumns).map(({ job: { address } }) => ({
      text: `${hostWord(address.host)} ${runLabel(address)}`,
      short: address.name.slice(-6),
      href: jobHref(address, page),
    })),
    tasks: taskMatrix(newest.slice(0, maxColumns), page, details),
  };
  return renderPageWithFragments('history', view);
}

function historyRowView({ run, job }: FinishedJob, page: SitePath, longest: number): HistoryRowView {
  const { address, summary, outcome } = job;
  const commit = summary?.origin.commit ?? run.commit;
  const seconds = summary?.seconds;
  return {
    mark: markOf(outcome),
    host: hostWord(address.host),
    run: { text: runLabel(address), href: jobHref(address, page) },
    start: instantOf(jobStart(job)),
    commit:
      commit === undefined
        ? undefined
        : { text: shortCommit(commit), href: linkBetween(page, commitPage(address.host, commit)) },
    branch: visibleText(run.branch ?? ''),
    elapsed: seconds === undefined ? undefined : durationText(seconds),
    share: Math.round(((seconds ?? 0) / longest) * 100),
  };
}

/** One row per task, in the order of the newest run that has it; one cell per run. */
function taskMatrix(
  runs: readonly FinishedJob[],
  page: SitePath,
  details: ReadDetails,
): HistoryView['tasks'] {
  const rows = runs.map((entry) => new Map(taskRows(entry, details).map((row) => [row.task, row])));
  const names = [...new Set(rows.flatMap((map) => [...map.keys()]))].slice(0, maxTasks);
  return names.map((name) => ({
    name: visibleText(name),
    cells: runs.map(({ job }, index) => {
      const row = rows[index]?.get(name);
      if (row === undefined) return { mark: undefined, href: undefined, elapsed: undefined };
      return {
        mark: markOf(taskOutcome(job, row)),
        href: row.outcome === 'skipped' ? undefined : logHref(job, page, row),
        elapsed: row.elapsedSeconds === undefined ? undefined : durationText(row.elapsedSeconds),
      };
    }),
  }));
}

/** Returns the address of a job's history, relative to `page`. */
export const historyHref = (page: SitePath, job: JobName): string => linkBetween(page, historyPage(job));
