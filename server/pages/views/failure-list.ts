/** Lists the failed tasks of a run, and the failed jobs whose tasks do not explain the failure. Pure. */
import { wwzEarlierLog, type SitePath } from '../../../model/path.js';
import { foldTasks } from '../../../model/outcome.js';
import type { TaskRow } from '../../../model/row.js';
import type { Link, FailureView } from '../../../templates/part.js';
import { taskView, type TaskTableOptions } from '../../../templates/task-view.js';
import {
  durationText,
  markOf,
  outcomesBySeverity,
  visibleText,
  type Outcome,
} from '../../../templates/wording.js';
import type { Job } from '../../state/site-view.js';
import { jobHref, jobNote, logHref, wwzHref } from './job-view.js';
import type { JobDetails } from '../../store/stored-job.js';

/** A job and the content of its record. */
export interface DetailedJob extends JobDetails {
  readonly job: Job;
}

/** The maximum length of the list. Further failures are only shown with their jobs. */
const maxFailures = 50;

export interface FailureList {
  readonly shown: readonly FailureView[];
  readonly more: number;
}

const notFailures: readonly Outcome[] = [
  'passed',
  'flaky',
  'known-failure',
  'skipped',
  'running',
  'expected',
];

/**
 * Lists every task that failed, and every failed job whose tasks do not explain its outcome: most severe first, then in
 * the order of jobs and tasks.
 */
export function listFailures(jobs: readonly DetailedJob[], page: SitePath): FailureList {
  const failures = jobs.flatMap((detailed) => {
    const { job, rows } = detailed;
    const link = { text: visibleText(job.address.job), href: jobHref(job.address, page) };
    const tasks = rows.flatMap((row) =>
      row.kind === 'row' && !notFailures.includes(row.outcome) ? [{ outcome: row.outcome, row }] : [],
    );
    const isExplained =
      notFailures.includes(job.outcome) || (tasks.length > 0 && foldTasks(rows) === job.outcome);
    return [
      ...(isExplained ? [] : [{ outcome: job.outcome, view: () => jobFailure(detailed, link) }]),
      ...tasks.map(({ outcome, row }) => ({
        outcome,
        view: () => taskFailure(detailed, row, { link, page }),
      })),
    ];
  });
  const sorted = outcomesBySeverity.flatMap((outcome) =>
    failures.filter((failure) => failure.outcome === outcome),
  );
  return {
    shown: sorted.slice(0, maxFailures).map(({ view }) => view()),
    more: Math.max(0, sorted.length - maxFailures),
  };
}

const taskFailure = (
  detailed: DetailedJob,
  row: TaskRow,
  { link, page }: { readonly link: Link; readonly page: SitePath },
): FailureView => ({
  ...taskView(row, fullCommand(detailed, row), taskLinks(detailed.job, page)),
  job: link,
  reason: undefined,
});

/** A job that failed outside its tasks: an image that was not pulled, a lost machine, an unreadable record. */
function jobFailure({ job, rows, problems }: DetailedJob, link: Link): FailureView {
  const badRows = rows.some((row) => row.kind === 'bad')
    ? 'its TSV has lines that are not valid tasks'
    : undefined;
  const reason = job.summary?.reason ?? problems[0] ?? badRows ?? jobNote(job);
  const seconds = job.summary?.seconds;
  return {
    mark: markOf(job.outcome),
    note: undefined,
    name: undefined,
    logHref: undefined,
    job: link,
    command: '',
    reason: reason === undefined ? undefined : visibleText(reason),
    elapsed: seconds === undefined ? undefined : durationText(seconds),
  };
}

const fullCommand = ({ record }: DetailedJob, row: TaskRow): string | undefined =>
  record?.tasks.find((task) => task.name === row.task)?.run;

/** Returns the links from a page to the logs and results of a job's tasks. */
export const taskLinks = (
  job: Job,
  page: SitePath,
): Pick<TaskTableOptions, 'logHref' | 'earlierLogHref' | 'resultHref' | 'isFlaky'> => ({
  logHref: (row: TaskRow) => logHref(job, page, row),
  earlierLogHref: (row: TaskRow, attempt: number) =>
    job.summary?.wwzBytes === undefined ? undefined : wwzHref(job, page, wwzEarlierLog(row.task, attempt)),
  resultHref: (path: string) => (job.summary?.wwzBytes === undefined ? undefined : wwzHref(job, page, path)),
  isFlaky: (row: TaskRow) => job.flakyTasks.includes(row.task),
});
