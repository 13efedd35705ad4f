/** The data of one job in tables and lists. Pure. */
import {
  jobFile,
  linkBetween,
  runPage,
  wwzIndex,
  wwzLog,
  wwzSchema0Log,
  type SitePath,
} from '../../../model/path.js';
import type { TaskRow } from '../../../model/row.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../../model/run.js';
import type { JobRowView, Link } from '../../../templates/part.js';
import { countViews } from '../../../templates/task-view.js';
import {
  bytesText,
  countText,
  durationText,
  httpUrl,
  markOf,
  visibleText,
} from '../../../templates/wording.js';
import type { Job } from '../../state/site-view.js';

/** Returns the row of a job in a table on page `page`. `withRun`: the table has a column for the run. */
export function jobRowView(job: Job, page: SitePath, { withRun }: { readonly withRun: boolean }): JobRowView {
  const { address, summary } = job;
  const elapsed = summary?.seconds;
  const file = (suffix: 'json' | 'tsv' | 'wwz') => linkBetween(page, jobFile(address, suffix));
  return {
    mark: markOf(job.outcome),
    name: visibleText(address.job),
    href: jobHref(address, page),
    run: withRun ? { text: runLabel(address), href: linkBetween(page, runPage(address)) } : undefined,
    counts: countViews(summary?.counts ?? {}),
    note: jobNote(job),
    elapsed: elapsed === undefined ? undefined : durationText(elapsed),
    pull: summary?.pullSeconds === undefined ? undefined : durationText(summary.pullSeconds),
    contentsHref: summary?.wwzBytes === undefined ? undefined : wwzHref(job, page, wwzIndex),
    zip:
      summary?.wwzBytes === undefined ? undefined : { text: bytesText(summary.wwzBytes), href: file('wwz') },
    tsvHref: summary !== undefined && (summary.rows > 0 || summary.isReadable) ? file('tsv') : undefined,
    // The JSON is stored last and makes the job complete: it exists even if it is not readable.
    jsonHref: summary === undefined ? undefined : file('json'),
  };
}

/** For a job without rows, returns its progress or why it has none. */
export function jobNote(job: Job): string | undefined {
  const { events, summary } = job;
  if (summary !== undefined && summary.rows > 0) return undefined;
  switch (job.outcome) {
    case 'running':
      if (events.pullBeginTime !== undefined && events.pullDoneTime === undefined) return 'pulling the image';
      return events.isLive === false
        ? 'its tasks and logs appear when its results are published'
        : `${countText(events.tasksDone, 'task')} done`;
    case 'lost':
      return `no more events; ${countText(events.tasksDone, 'task')} done`;
    case 'expected':
      return 'not started yet';
    case 'passed':
    case 'flaky':
    case 'failed':
    case 'cancelled':
    case 'error':
    case 'empty':
      return summary?.reason === undefined ? 'no task ran' : visibleText(summary.reason);
  }
}

export const jobStart = (job: Job): number | undefined => job.summary?.startTime ?? job.events.startTime;

/** The id of a job's section on its run's page. */
export const jobAnchor = (address: JobAddress): string => `job-${address.job}`;

export function jobHref(address: JobAddress, page: SitePath): string {
  const target = runPage(address);
  const fragment = `#${encodeURIComponent(jobAnchor(address))}`;
  return target === page ? fragment : linkBetween(page, target) + fragment;
}

/** Returns the link to an entry of the job's wwz. */
export const wwzHref = (job: Job, page: SitePath, entry: string): string =>
  linkBetween(page, `${jobFile(job.address, 'wwz')}/${entry}`);

/** Returns the link to a task's log; undefined if the job has no wwz. */
export function logHref(job: Job, page: SitePath, row: TaskRow): string | undefined {
  if (job.summary?.wwzBytes === undefined) return undefined;
  return wwzHref(job, page, job.summary.schema === 0 ? wwzSchema0Log(row.task) : wwzLog(row.task));
}

/** Returns `Run 1234`, or `Job 345` on sourcehut, which has no runs. */
export function runLabel(folder: RunFolder): string {
  const { run, attempt } = splitFolder(folder);
  if (folder.host === 'sourcehut') return `Job ${run}`;
  return attempt === 1 ? `Run ${run}` : `Run ${run}, attempt ${attempt}`;
}

/**
 * Returns the repository's address, taken from the address of a GitHub run (`https://HOST/OWNER/NAME/actions/runs/ID`),
 * so that no host name is built in.
 */
export function repositoryUrl(jobUrl: string | undefined): string | undefined {
  const [, url] = /^(https?:\/\/[^/]+\/[^/]+\/[^/]+)\/actions\/runs\/\d+/.exec(httpUrl(jobUrl) ?? '') ?? [];
  return url;
}

/** Returns the address of a pull request; undefined if its number or repository is not valid. */
export function pullRequestUrl(jobUrl: string | undefined, number: string): string | undefined {
  const repository = repositoryUrl(jobUrl);
  return repository !== undefined && /^\d{1,12}$/.test(number) ? `${repository}/pull/${number}` : undefined;
}

/** Returns a link whose text has its invisible characters escaped. */
export const fileLink = (page: SitePath, target: string, text: string): Link => ({
  text: visibleText(text),
  href: linkBetween(page, target),
});
