/** One attempt of a run (on sourcehut: one job): facts, attempts, what did not pass, jobs, and each job's tasks. Pure. */
import {
  branchFile,
  branchKey,
  historyPage,
  linkBetween,
  runPage,
  wwzEarlierLog,
  type SitePath,
} from '../../model/path.js';
import { splitFolder, type RunFolder } from '../../model/run.js';
import type { TaskOutcome } from '../../model/outcome.js';
import type { JobName } from '../../model/name.js';
import type { Row, TaskRow } from '../../model/row.js';
import type { Fragment } from '../../templates/fragment.js';
import type { RunView } from '../../templates/page.js';
import type { JobSection, Trouble } from '../../templates/part.js';
import { taskTable, taskView } from '../../templates/task-view.js';
import { renderFragment, renderPageOfFragments } from '../../templates/template.js';
import { markOf, outcomesByWeight, visibleText } from '../../templates/wording.js';
import { isPullRequest, type Job, type JobDetails, type Run, type SiteState } from '../state.js';
import { jobFacts, runFacts } from './fact.js';
import { FragmentMemo } from './fragment-memo.js';
import { frameOf, hostCrumb } from './frame.js';
import { jobAnchor, jobHref, jobLine, logHref, runLabel, wwzHref } from './job-view.js';

/** Tasks in the list of what did not pass; the rest stands with its jobs. */
const troublesShown = 50;

const unremarkable: readonly TaskOutcome[] = ['passed', 'flaky', 'skipped'];

/** The files of a run's jobs, by name; a job that has not arrived has none. */
export type RunDetails = ReadonlyMap<JobName, JobDetails>;

/** The run's page; of a folder that the site does not know, a page that says so. */
export function renderRun(site: SiteState, folder: RunFolder, details: RunDetails): Buffer {
  const page = runPage(folder);
  const run = site.run(folder) ?? unknownRun(folder);
  const { attempt } = splitFolder(folder);
  const jobs = heaviestFirst(run.jobs.map((job) => ({ job, details: details.get(job.address.job) })));
  const troubles = troublesOf(
    run.jobs.map((job) => detailed({ job, details: details.get(job.address.job) })),
    page,
  );
  const view: RunView = {
    frame: {
      ...frameOf(site, page, runLabel(folder), [hostCrumb(page, folder.host)]),
      feedHref: feedHref(run, page),
    },
    heading: runLabel({ ...folder, name: run.run as RunFolder['name'] }),
    attempt: attempt > 1 ? `attempt ${attempt}` : undefined,
    mark: markOf(run.outcome),
    subject: run.commitLine === undefined ? undefined : visibleText(run.commitLine),
    facts: runFacts(run, page),
    attempts: attemptsOf(site, folder, page),
    troubles: troubles.slice(0, troublesShown),
    moreTroubles: Math.max(0, troubles.length - troublesShown),
    rows: jobs.map(({ job }) => jobRow(job, page)),
    sections: jobs.map((job) => jobSection(job, page)),
  };
  return renderPageOfFragments('run', view);
}

/** The feed of the branch that the run is of. */
function feedHref(run: Run, page: SitePath): string | undefined {
  const key = run.branch === undefined || isPullRequest(run) ? undefined : branchKey(run.branch);
  return key && run.commit && linkBetween(page, branchFile(key, 'feed.atom'));
}

/** A job with what is known of its files. */
interface ReadJob {
  readonly job: Job;
  readonly details: JobDetails | undefined;
}

interface DetailedJob extends JobDetails {
  readonly job: Job;
}

/** A pass of what had failed on the same commit before is shown as the flaky one that it is. */
function detailed({ job, details }: ReadJob): DetailedJob {
  const { flakyTasks } = job;
  const { rows, problems, record } = details ?? { rows: [], problems: [] };
  const shown = rows.map((row): Row =>
    row.kind === 'row' && row.outcome === 'passed' && flakyTasks.includes(row.task)
      ? { ...row, outcome: 'flaky' }
      : row,
  );
  return { job, ...(record !== undefined && { record }), rows: shown, problems };
}

function unknownRun(folder: RunFolder): Run {
  return { folder, ...splitFolder(folder), outcome: 'empty', jobs: [] };
}

function attemptsOf(site: SiteState, folder: RunFolder, page: SitePath): RunView['attempts'] {
  const attempts = site.attempts(folder);
  if (attempts.length < 2) return [];
  return attempts.map((run) => ({
    text: `attempt ${run.attempt}`,
    href: run.folder.name === folder.name ? undefined : linkBetween(page, runPage(run.folder)),
    mark: markOf(run.outcome),
  }));
}

/** Every task that neither passed nor was skipped, the heaviest outcome first, else in the order of jobs and tasks. */
function troublesOf(jobs: readonly DetailedJob[], page: SitePath): readonly Trouble[] {
  const rows = jobs.flatMap((detailed) =>
    detailed.rows.flatMap((row) =>
      row.kind === 'row' && !unremarkable.includes(row.outcome) ? [{ detailed, row }] : [],
    ),
  );
  return outcomesByWeight
    .flatMap((outcome) => rows.filter(({ row }) => row.outcome === outcome))
    .map(({ detailed, row }) => ({
      ...taskView(row, wholeCommand(detailed, row), taskLinks(detailed.job, page)),
      job: { text: visibleText(detailed.job.address.job), href: jobHref(detailed.job.address, page) },
    }));
}

const wholeCommand = ({ record }: DetailedJob, row: TaskRow): string | undefined =>
  record?.tasks.find((task) => task.name === row.task)?.run;

const taskLinks = (job: Job, page: SitePath) => ({
  logHref: (row: TaskRow) => logHref(job, page, row),
  earlierLogHref: (row: TaskRow, attempt: number) =>
    job.summary?.wwzBytes === undefined ? undefined : wwzHref(job, page, wwzEarlierLog(row.task, attempt)),
  resultHref: (path: string) => (job.summary?.wwzBytes === undefined ? undefined : wwzHref(job, page, path)),
  isFlaky: (row: TaskRow) => job.flakyTasks.includes(row.task),
});

/** What went wrong stands above what did not; within an outcome the names' order stays. */
function heaviestFirst(jobs: readonly ReadJob[]): readonly ReadJob[] {
  return outcomesByWeight.flatMap((outcome) => jobs.filter(({ job }) => job.outcome === outcome));
}

const rowMemo = new FragmentMemo();
const sectionMemo = new FragmentMemo();

/** A job stands on one page only: its links are the same whenever it is shown. */
const jobRow = (job: Job, page: SitePath): Fragment =>
  rowMemo.get(job, [], () => renderFragment('job-row', jobLine(job, page, { withRun: false })));

const jobSection = (read: ReadJob, page: SitePath): Fragment =>
  sectionMemo.get(read.job, [read.details], () =>
    renderFragment('job-section', sectionView(detailed(read), page)),
  );

function sectionView({ job, record, rows, problems }: DetailedJob, page: SitePath): JobSection {
  const reason = job.summary?.reason;
  return {
    line: jobLine(job, page, { withRun: false }),
    anchor: jobAnchor(job.address),
    historyHref: job.summary === undefined ? undefined : linkBetween(page, historyPage(job.address.job)),
    reason: reason === undefined ? undefined : visibleText(reason),
    problems: problems.map(visibleText),
    facts: jobFacts(job, record),
    table:
      rows.length === 0
        ? undefined
        : taskTable({
            caption: `Tasks of ${visibleText(job.address.job)}`,
            rows,
            commands: record?.tasks ?? [],
            ...taskLinks(job, page),
            isDetailed: false,
          }),
  };
}
