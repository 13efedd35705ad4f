/** The page of one attempt of a run, on sourcehut of one job: facts, failures, jobs and their tasks. Pure. */
import {
  branchFile,
  branchKey,
  historyPage,
  linkBetween,
  runPage,
  type SitePath,
} from '../../../model/path.js';
import { splitFolder, type RunFolder } from '../../../model/run.js';
import type { JobName } from '../../../model/name.js';
import type { Row } from '../../../model/row.js';
import type { Fragment } from '../../../templates/fragment.js';
import type { RunView } from '../../../templates/page.js';
import type { JobSectionView } from '../../../templates/part.js';
import { countViews, taskTable } from '../../../templates/task-view.js';
import { renderFragment, renderPageWithFragments } from '../../../templates/template.js';
import { countText, markOf, outcomesBySeverity, visibleText } from '../../../templates/wording.js';
import {
  clockToleranceSeconds,
  isPullRequest,
  type Job,
  type Run,
  type SiteView,
} from '../../state/site-view.js';
import { jobFacts, runFacts } from './fact-list.js';
import { FragmentCache } from './fragment-cache.js';
import { pageFrame, hostCrumb } from './page-frame.js';
import { jobAnchor, jobRowView, runLabel } from './job-view.js';
import { taskLinks, listFailures, type DetailedJob } from './failure-list.js';
import { noWwz, type JobDetails } from '../../store/stored-job.js';

/** The details of the jobs of a run, by name. A job without a record has none. */
export type RunDetails = ReadonlyMap<JobName, JobDetails>;

/** Renders the page of a run, even if the site has no such run. */
export function renderRun(site: SiteView, folder: RunFolder, details: RunDetails): Buffer {
  const page = runPage(folder);
  const run = site.run(folder) ?? emptyRun(folder);
  const { attempt } = splitFolder(folder);
  const jobs = sortBySeverity(run.jobs.map((job) => ({ job, details: details.get(job.address.job) })));
  const failures = listFailures(
    run.jobs.map((job) => toDetailedJob({ job, details: details.get(job.address.job) })),
    page,
  );
  const mark = markOf(run.outcome);
  const feed = feedHref(run, page);
  const view: RunView = {
    frame: {
      ...pageFrame(site, page, runLabel(folder), [hostCrumb(page, folder.host)], mark),
      feedHref: feed,
    },
    heading: runLabel({ ...folder, name: run.run as RunFolder['name'] }),
    attempt: attempt > 1 ? `attempt ${attempt}` : undefined,
    mark,
    subject: run.commitLine === undefined ? undefined : visibleText(run.commitLine),
    facts: runFacts(run, page, feed),
    attempts: attemptLinks(site, folder, page),
    tally: countJobs(run.jobs),
    failures: failures.shown,
    moreFailures: failures.more,
    rows: jobs.map(({ job }) => jobRow(job, page)),
    sections: jobs.map((job) => jobSection(job, page)),
  };
  return renderPageWithFragments('run', view);
}

/** Returns the address of the feed of the run's branch. */
function feedHref(run: Run, page: SitePath): string | undefined {
  const key = run.branch === undefined || isPullRequest(run) ? undefined : branchKey(run.branch);
  return key && run.commit && linkBetween(page, branchFile(key, 'feed.atom'));
}

/** Counts jobs by outcome. Returns undefined for a single job, whose outcome is the run's. */
function countJobs(jobs: readonly Job[]): RunView['tally'] {
  if (jobs.length < 2) return undefined;
  const counts = Object.fromEntries(
    outcomesBySeverity.map((outcome) => [outcome, jobs.filter((job) => job.outcome === outcome).length]),
  );
  return { text: countText(jobs.length, 'job'), counts: countViews(counts) };
}

/** A job with its details, if it has a record. */
interface LoadedJob {
  readonly job: Job;
  readonly details: JobDetails | undefined;
}

/** Adds the details to a job. Marks a task as flaky if it passed after it failed on the same commit. */
function toDetailedJob({ job, details }: LoadedJob): DetailedJob {
  const { flakyTasks } = job;
  const { rows, problems, notices = [], record } = details ?? { rows: [], problems: [] };
  const { removedWwz } = job.summary ?? {};
  const shown = rows.map((row): Row =>
    row.kind === 'row' && row.outcome === 'passed' && flakyTasks.includes(row.task)
      ? { ...row, outcome: 'flaky' }
      : row,
  );
  return {
    job,
    ...(record !== undefined && { record }),
    rows: shown,
    problems,
    notices: notices.filter((n) => n !== noWwz || !removedWwz),
  };
}

function emptyRun(folder: RunFolder): Run {
  return { folder, ...splitFolder(folder), arrival: 0, outcome: 'empty', jobs: [] };
}

function attemptLinks(site: SiteView, folder: RunFolder, page: SitePath): RunView['attempts'] {
  const attempts = site.attempts(folder);
  if (attempts.length < 2) return [];
  return attempts.map((run) => ({
    text: `attempt ${run.attempt}`,
    href: run.folder.name === folder.name ? undefined : linkBetween(page, runPage(run.folder)),
    mark: markOf(run.outcome),
  }));
}

/** Sorts jobs by outcome, most severe first. Keeps their order within an outcome. */
function sortBySeverity(jobs: readonly LoadedJob[]): readonly LoadedJob[] {
  return outcomesBySeverity.flatMap((outcome) => jobs.filter(({ job }) => job.outcome === outcome));
}

const rowCache = new FragmentCache();
const sectionCache = new FragmentCache();

/** Cached: only one page shows these rows, so the links are the same. */
const jobRow = (job: Job, page: SitePath): Fragment =>
  rowCache.get(job, [], () => renderFragment('job-row', jobRowView(job, page, { withRun: false })));

const jobSection = (read: LoadedJob, page: SitePath): Fragment =>
  sectionCache.get(read.job, [read.details], () =>
    renderFragment('job-section', jobSectionView(toDetailedJob(read), page)),
  );

/** Says that a job started after this server received its record, as its worker's clock has it. */
function clockNotice({ summary, receivedTime }: Job): readonly string[] {
  const start = summary?.startTime;
  if (start === undefined || receivedTime === undefined || start <= receivedTime + clockToleranceSeconds) {
    return [];
  }
  const [begun, received] = [start, receivedTime].map((time) => new Date(time * 1000).toISOString());
  return [
    `the clock of its worker is wrong: the job started at ${begun}, and its record arrived at ${received}`,
  ];
}

function jobSectionView(
  { job, record, rows, problems, notices = [] }: DetailedJob,
  page: SitePath,
): JobSectionView {
  const reason = job.summary?.reason;
  return {
    row: jobRowView(job, page, { withRun: false }),
    anchor: jobAnchor(job.address),
    historyHref: job.summary === undefined ? undefined : linkBetween(page, historyPage(job.address.job)),
    reason: reason === undefined ? undefined : visibleText(reason),
    problems: problems.map(visibleText),
    notices: [...notices, ...clockNotice(job)].map(visibleText),
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
