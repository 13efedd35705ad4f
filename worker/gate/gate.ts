/** The gate's rule: required jobs, what the status API answered for each, what is expected -> green, or why not. Pure. */
import type { CommitHash, JobName, WorkerHost } from '../../model/name.js';
import { isGreen } from '../../model/outcome.js';
import { quote } from '../../model/result.js';
import type { StatusAnswer } from '../client/status-answer.js';

/** What every status must be bound to. */
export interface Expectation {
  readonly host: WorkerHost;
  /** as in `status-api/HOST/RUN/JOB` */
  readonly run: string;
  readonly attempt: number;
  readonly commit: CommitHash;
  /** seconds since 1970, UTC */
  readonly now: number;
  /** absent: a status may be of any age */
  readonly maxAgeSeconds?: number;
}

/** A required job that keeps the gate shut. */
export interface ShutBy {
  readonly job: JobName;
  readonly reason: string;
  /** whether waiting can change it: a job that has not reported may still; one that failed will not */
  readonly mayChange: boolean;
}

export type Verdict =
  | { readonly kind: 'green' }
  /** never empty */
  | { readonly kind: 'shut'; readonly by: readonly ShutBy[] };

/** Clocks of two machines may differ by so much. */
const clockSkewSeconds = 300;

/**
 * Walks the required list, never what arrived. A job without an answer is not green; an empty list is a bug of the
 * caller, since an empty requirement must have been refused before.
 */
export function judge(
  required: readonly JobName[],
  answers: ReadonlyMap<string, StatusAnswer>,
  expected: Expectation,
): Verdict {
  if (required.length === 0) throw new Error('the gate was asked about no job at all');
  const by: ShutBy[] = [];
  for (const job of required) {
    const shut = judgeJob(job, answers.get(job) ?? { kind: 'missing' }, expected);
    if (shut !== undefined) by.push({ job, ...shut });
  }
  return by.length === 0 ? { kind: 'green' } : { kind: 'shut', by };
}

type Shut = Omit<ShutBy, 'job'>;

function judgeJob(job: JobName, answer: StatusAnswer, expected: Expectation): Shut | undefined {
  const pending = (reason: string): Shut => ({ reason, mayChange: true });
  const settled = (reason: string): Shut => ({ reason, mayChange: false });
  if (answer.kind === 'missing') return pending('has not reported');
  if (answer.kind === 'unusable') {
    const reason = `has no usable status: ${answer.reason}`;
    return answer.isRefusal === true ? settled(reason) : pending(reason);
  }
  const { status } = answer;
  if (status.job !== job) return settled(`its status is that of job ${quote(status.job)}`);
  if (status.host !== expected.host || status.run !== expected.run) {
    return settled(`its status is that of run ${quote(status.run)} on ${status.host}`);
  }
  if (status.attempt < expected.attempt) {
    return pending(`has reported for attempt ${status.attempt} only; this is attempt ${expected.attempt}`);
  }
  if (status.attempt > expected.attempt) {
    return settled(
      `has reported for attempt ${status.attempt}; this is the older attempt ${expected.attempt}`,
    );
  }
  if (status.commit !== expected.commit) return settled(`its status is that of commit ${status.commit}`);
  if (status.status !== 0 || !isGreen(status.outcome)) {
    return settled(`${status.outcome} with exit status ${status.status}`);
  }
  const age = expected.now - status.time;
  if (age < -clockSkewSeconds) return settled(`its status is dated ${Math.round(-age)} s in the future`);
  if (expected.maxAgeSeconds !== undefined && age > expected.maxAgeSeconds) {
    return settled(`its status is ${Math.round(age)} s old, more than ${expected.maxAgeSeconds} s`);
  }
  return undefined;
}

/** Whether it makes sense to ask again: only jobs that may still change keep the gate shut. */
export function mayOpen(verdict: Verdict): boolean {
  return verdict.kind === 'shut' && verdict.by.every((shut) => shut.mayChange);
}
