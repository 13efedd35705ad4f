/** Outcomes of tasks, jobs and runs. Computes those of jobs from their tasks, and those of runs from their jobs. Pure. */

/**
 * How a task ended. `flaky`: passed after a failed try. `error`: the infrastructure failed (image, container, disk),
 * which is not the task's failure. `skipped`: not started, because of an earlier task. `known-failure`: failed, as soil.yml
 * expects. `unexpected-pass`: passed although soil.yml expects a failure, which is red.
 */
export type TaskOutcome =
  | 'passed'
  | 'flaky'
  | 'failed'
  | 'timed-out'
  | 'cancelled'
  | 'skipped'
  | 'error'
  | 'known-failure'
  | 'unexpected-pass';
export const taskOutcomes: readonly TaskOutcome[] = [
  'passed',
  'flaky',
  'failed',
  'timed-out',
  'cancelled',
  'skipped',
  'error',
  'known-failure',
  'unexpected-pass',
];

/** How a finished job ended. `empty`: no task passed and none failed, which is not a pass. */
export type FinishedOutcome = 'passed' | 'flaky' | 'failed' | 'cancelled' | 'error' | 'empty';
/** The state of a job: finished, `running`, `expected` (declared, no events yet) or `lost` (no events for too long). */
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

/** A task's outcome. `allowed`: the job tolerates a failure of the task. */
export interface TaskEnd {
  readonly outcome: TaskOutcome;
  readonly allowed?: boolean;
}

/**
 * Returns a job's outcome: the worst of its tasks, in the order error, cancelled, failed, flaky, passed. A tolerated
 * failure or timeout counts as flaky, a known failure as passed, an unexpected pass as failed. A job of skipped tasks only is
 * `empty`.
 */
export function foldTasks(tasks: readonly TaskEnd[]): FinishedOutcome {
  let worst: FinishedOutcome = 'empty';
  for (const task of tasks) {
    const outcome = taskContribution(task);
    if (outcome !== undefined && finishedRank(outcome) > finishedRank(worst)) worst = outcome;
  }
  return worst;
}

function taskContribution({ outcome, allowed = false }: TaskEnd): FinishedOutcome | undefined {
  switch (outcome) {
    case 'passed':
    case 'flaky':
    case 'cancelled':
    case 'error':
      return outcome;
    case 'failed':
    case 'timed-out':
      return allowed ? 'flaky' : 'failed';
    case 'known-failure':
      return 'passed';
    case 'unexpected-pass':
      return 'failed';
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

/** From best to worst. */
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

/** Returns a run's outcome: that of its worst job. A run without jobs is `empty`. */
export function foldJobs(jobs: readonly JobOutcome[]): RunOutcome {
  if (jobs.length === 0) return 'empty';
  return jobs.reduce((worst, job) => (jobOrder.indexOf(job) > jobOrder.indexOf(worst) ? job : worst));
}

/** Returns whether an outcome lets the gate pass: every task passed, perhaps after retries. */
export function isGreen(outcome: JobOutcome): boolean {
  return outcome === 'passed' || outcome === 'flaky';
}

/** A task's outcome, and the exit status of its last try. */
export interface TaskStatus extends TaskEnd {
  readonly status: number;
}

/**
 * Returns a job's exit status: 0 if it is green; the largest status of its failed tasks, which is 124 for a timeout; 125
 * after an infrastructure failure and for a job without tasks; 130 if it was cancelled.
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
      return Math.max(1, ...tasks.filter((t) => taskContribution(t) === 'failed').map((t) => t.status));
  }
}

/** Returns whether a task did what soil.yml expects of it: it passed, perhaps after a retry, or its failure is known. */
export const isTaskGreen = (outcome: TaskOutcome): boolean =>
  outcome === 'passed' || outcome === 'flaky' || outcome === 'known-failure';

/** Returns whether a task's last try ended with exit status 0. */
export const hasTaskPassed = (outcome: TaskOutcome): boolean =>
  outcome === 'passed' || outcome === 'flaky' || outcome === 'unexpected-pass';
