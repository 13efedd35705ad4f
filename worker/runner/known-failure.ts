/** Decides how a task with `expect-fail` ended: whether its failure was a known one. Pure. */
import type { WorkerHost } from '../../model/name.js';
import type { TaskRow } from '../../model/row.js';
import type { ExpectedFailure } from '../../model/task.js';

/** Where and when the task runs. */
export interface TaskMoment {
  readonly host: WorkerHost;
  /** seconds since 1970, UTC */
  readonly now: number;
}

/** Returns whether a failure of a task is expected on this worker host. A date that has passed does not matter. */
export const isFailureExpected = (expected: ExpectedFailure | undefined, host: WorkerHost): boolean =>
  expected !== undefined && (expected.on.length === 0 || expected.on.includes(host));

/**
 * Returns the row with its final outcome, and a sentence that says why. A failure is known until the end of the day
 * `until`, in UTC. A pass is red, since the declaration is then wrong. Timeouts, cancellations and errors stay what they are:
 * only an exit status can be expected.
 */
export function judgeKnownFailure(
  row: TaskRow,
  expected: ExpectedFailure | undefined,
  { host, now }: TaskMoment,
): { readonly row: TaskRow; readonly note?: string } {
  if (expected === undefined || !isFailureExpected(expected, host)) return { row };
  const { until, why } = expected;
  const day = new Date(now * 1000).toISOString().slice(0, 10);
  const date = until === undefined ? '' : ` until ${until}`;
  if (row.outcome === 'passed' || row.outcome === 'flaky') {
    const note = `expected to fail${date}, but it passed: ${why}. Remove expect-fail from soil.yml`;
    return { row: { ...row, outcome: 'unexpected-pass' }, note };
  }
  if (row.outcome !== 'failed') return { row };
  return until !== undefined && day > until
    ? { row, note: `expected to fail${date}, which has passed: ${why}` }
    : { row: { ...row, outcome: 'known-failure' }, note: `known failure${date}: ${why}` };
}
