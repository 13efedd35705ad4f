/** Outcomes of tasks, jobs and runs, and the folds task -> job -> run. Pure; the truth table is its test. */

/**
 * How a task ended. `flaky`: passed after a failed try. `error`: the machinery failed (image, container, disk), which
 * is neither a pass nor the task's own failure. `skipped`: never begun, because of what happened before.
 */
export type TaskOutcome = 'passed' | 'flaky' | 'failed' | 'timed-out' | 'cancelled' | 'skipped' | 'error';
export const taskOutcomes: readonly TaskOutcome[] = [
  'passed',
  'flaky',
  'failed',
  'timed-out',
  'cancelled',
  'skipped',
  'error',
];

/** How a finished job ended. `empty`: no task passed and none failed, which is not a pass. */
export type FinishedOutcome = 'passed' | 'flaky' | 'failed' | 'cancelled' | 'error' | 'empty';
/** What a job is: finished, or `running`, `expected` (declared, not heard of), `lost` (silent for too long). */
export type JobOutcome = FinishedOutcome | 'running' | 'expected' | 'lost';
export type RunOutcome = JobOutcome;

export const finishedOutcomes: readonly FinishedOutcome[] = [
  'error',
  'cancelled',
  'failed',
  'empty',
  'flaky',
  'passed',
];

/** What the fold needs of a task: `allowed` marks a task whose failure the job tolerates. */
export interface TaskEnd {
  readonly outcome: TaskOutcome;
  readonly allowed?: boolean;
}

/**
 * The job's outcome from its tasks: the worst wins, in the order error, cancelled, failed, flaky, passed.
 * A tolerated failure or time-out counts like a flaky pass would: seen, not fatal. Nothing but skips is `empty`.
 */
export function foldTasks(tasks: readonly TaskEnd[]): FinishedOutcome {
  let worst: FinishedOutcome = 'empty';
  for (const task of tasks) {
    const mark = taskMark(task);
    if (mark !== undefined && finishedRank(mark) > finishedRank(worst)) worst = mark;
  }
  return worst;
}

function taskMark({ outcome, allowed = false }: TaskEnd): FinishedOutcome | undefined {
  switch (outcome) {
    case 'passed':
    case 'flaky':
    case 'cancelled':
    case 'error':
      return outcome;
    case 'failed':
    case 'timed-out':
      return allowed ? 'flaky' : 'failed';
    case 'skipped':
      return undefined;
  }
}

function finishedRank(outcome: FinishedOutcome): number {
  switch (outcome) {
    case 'empty':
      return 0;
    case 'passed':
      return 1;
    case 'flaky':
      return 2;
    case 'failed':
      return 3;
    case 'cancelled':
      return 4;
    case 'error':
      return 5;
  }
}

/** From best to worst, for a reader who asks of a run: what is the worst thing that happened here? */
const jobOrder: readonly JobOutcome[] = [
  'passed',
  'flaky',
  'expected',
  'running',
  'empty',
  'lost',
  'cancelled',
  'failed',
  'error',
];

/** The run's outcome: that of its worst job. No job at all is `empty`. */
export function foldJobs(jobs: readonly JobOutcome[]): RunOutcome {
  if (jobs.length === 0) return 'empty';
  return jobs.reduce((worst, job) => (jobOrder.indexOf(job) > jobOrder.indexOf(worst) ? job : worst));
}

/** True for an outcome that lets a gate pass: every task passed, perhaps on a second try. */
export function isGreen(outcome: JobOutcome): boolean {
  return outcome === 'passed' || outcome === 'flaky';
}

/** What the fold to an exit status needs of a task: the status its last try ended with. */
export interface TaskStatus extends TaskEnd {
  readonly status: number;
}

/**
 * A job's exit status, 0 to 255: 0 when green; the largest status of its failed tasks; 125 for a failure of the
 * machinery and for a job without tasks; 130 when it was cancelled. `timeout`'s 124 is kept for a task that ran too long.
 */
export function jobStatus(outcome: FinishedOutcome, tasks: readonly TaskStatus[]): number {
  switch (outcome) {
    case 'passed':
    case 'flaky':
      return 0;
    case 'error':
    case 'empty':
      return 125;
    case 'cancelled':
      return 130;
    case 'failed':
      return Math.max(1, ...tasks.filter((t) => taskMark(t) === 'failed').map((t) => t.status));
  }
}
