/** The jobs of a run -> what a reader of its page should look at first: tasks, and jobs of which no task tells. Pure. */
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

/** A job with what is known of its files. */
export interface DetailedJob extends JobDetails {
  readonly job: Job;
}

/** Lines in the list; the rest stands with its jobs. */
const maxFailures = 50;

export interface FailureList {
  readonly shown: readonly FailureView[];
  readonly more: number;
}

const notFailures: readonly Outcome[] = ['passed', 'flaky', 'skipped', 'running', 'expected'];

/**
 * Every job whose own tasks do not tell what became of it, and every task that neither passed nor was skipped: the
 * heaviest outcome first, else in the order of jobs and tasks.
 */
export function listFailures(jobs: readonly DetailedJob[], page: SitePath): FailureList {
  const troubles = jobs.flatMap((detailed) => {
    const { job, rows } = detailed;
    const link = { text: visibleText(job.address.job), href: jobHref(job.address, page) };
    const tasks = rows.flatMap((row) =>
      row.kind === 'row' && !notFailures.includes(row.outcome) ? [{ outcome: row.outcome, row }] : [],
    );
    const isTold = notFailures.includes(job.outcome) || (tasks.length > 0 && foldTasks(rows) === job.outcome);
    return [
      ...(isTold ? [] : [{ outcome: job.outcome, view: () => jobFailure(detailed, link) }]),
      ...tasks.map(({ outcome, row }) => ({
        outcome,
        view: () => taskFailure(detailed, row, { link, page }),
      })),
    ];
  });
  const sorted = outcomesBySeverity.flatMap((outcome) =>
    troubles.filter((trouble) => trouble.outcome === outcome),
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

/** An image that could not be pulled, a lost machine, a record that cannot be read: no task says so. */
function jobFailure({ job, rows, problems }: DetailedJob, link: Link): FailureView {
  const badRows = rows.some((row) => row.kind === 'bad') ? 'its TSV has lines that are not valid tasks' : undefined;
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

/** Where the logs and results of a job's tasks are, seen from a page. */
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
