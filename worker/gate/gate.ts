/** The gate's rule: decides from the statuses of the required jobs whether a commit is green, or which jobs block it. Pure. */
import type { CommitHash, JobName, WorkerHost } from '../../model/name.js';
import { isGreen } from '../../model/outcome.js';
import { quote } from '../../model/result.js';
import type { JobStatus } from '../../model/status.js';
import type { StatusAnswer } from '../client/status-client.js';
import type { MergeRule } from '../config/job-declaration.js';

/** The run and commit that every status must be for. */
export interface Expectation {
  readonly host: WorkerHost;
  /** as in `status-api/HOST/RUN/JOB` */
  readonly run: string;
  readonly attempt: number;
  readonly commit: CommitHash;
  /** seconds since 1970, UTC */
  readonly now: number;
  /**
   * how a job must have run; absent: with any isolation, without uncommitted changes or `git: writable`; `none`: in any way,
   * for a wait that merges nothing
   */
  readonly rule?: Pick<MergeRule, 'isolated' | 'uncommitted'> | 'none';
  /** any age is accepted unless set */
  readonly maxAgeSeconds?: number;
}

/** A required job that is not green. */
export interface BlockingJob {
  readonly job: JobName;
  /** a predicate, such as `has not reported` */
  readonly reason: string;
  /** true if waiting can help: a job that has not reported may still pass; a failed one will not */
  readonly mayChange: boolean;
}

export type Verdict =
  | { readonly kind: 'green' }
  | { readonly kind: 'blocked'; /** never empty */ readonly by: readonly BlockingJob[] };

/** How much the clocks of two machines may differ. */
const clockSkewSeconds = 300;

/**
 * Judges every required job. Ignores answers for other jobs. A job without an answer is not green. Throws if the list is
 * empty, which the caller must refuse first.
 */
export function judge(
  required: readonly JobName[],
  answers: ReadonlyMap<string, StatusAnswer>,
  expected: Expectation,
): Verdict {
  if (required.length === 0) throw new Error('the gate requires at least one job');
  const by: BlockingJob[] = [];
  for (const job of required) {
    const block = judgeJob(job, answers.get(job) ?? { kind: 'missing' }, expected);
    if (block !== undefined) by.push({ job, ...block });
  }
  return by.length === 0 ? { kind: 'green' } : { kind: 'blocked', by };
}

type Block = Omit<BlockingJob, 'job'>;

function judgeJob(job: JobName, answer: StatusAnswer, expected: Expectation): Block | undefined {
  const pending = (reason: string): Block => ({ reason, mayChange: true });
  const final = (reason: string): Block => ({ reason, mayChange: false });
  if (answer.kind === 'missing') return pending('has not reported');
  if (answer.kind === 'unusable') {
    const reason = `has no usable status: ${answer.reason}`;
    return answer.isRefusal === true ? final(reason) : pending(reason);
  }
  const { status } = answer;
  if (status.job !== job) return final(`its status is for job ${quote(status.job)}`);
  if (status.host !== expected.host || status.run !== expected.run) {
    return final(`its status is for run ${quote(status.run)} on ${status.host}`);
  }
  if (status.attempt < expected.attempt) {
    return pending(`has reported for attempt ${status.attempt} only; this is attempt ${expected.attempt}`);
  }
  if (status.attempt > expected.attempt) {
    return final(`has reported for attempt ${status.attempt}; this is the older attempt ${expected.attempt}`);
  }
  if (status.commit !== expected.commit) return final(`its status is for commit ${status.commit}`);
  if (status.status !== 0 || !isGreen(status.outcome)) {
    return final(`${status.outcome} with exit status ${status.status}`);
  }
  const { rule = {} } = expected;
  const condition = rule === 'none' ? undefined : findRefusedCondition(status, rule);
  if (condition !== undefined) return final(condition);
  const age = expected.now - status.time;
  if (age < -clockSkewSeconds) return final(`its status is dated ${Math.round(-age)} s in the future`);
  if (expected.maxAgeSeconds !== undefined && age > expected.maxAgeSeconds) {
    return final(`its status is ${Math.round(age)} s old, more than ${expected.maxAgeSeconds} s`);
  }
  return undefined;
}

/** Returns why the way in which a job ran does not count, as a predicate. */
function findRefusedCondition(
  { isolated, uncommitted, git }: JobStatus,
  rule: Pick<MergeRule, 'isolated' | 'uncommitted'>,
): string | undefined {
  if (git === 'writable') return 'ran with git: writable, so its tasks could change which commit was tested';
  if (rule.isolated === 'require' && isolated !== true) {
    return 'ran without isolate: true, which the rule requires (merge: isolated)';
  }
  if (rule.uncommitted === 'allow' || uncommitted === undefined || uncommitted === 0) return undefined;
  return uncommitted === 'unknown'
    ? 'ran where it is unknown whether there were uncommitted changes (merge: uncommitted)'
    : `ran with ${uncommitted} uncommitted ${uncommitted === 1 ? 'change' : 'changes'} (merge: uncommitted)`;
}

/** Returns whether asking again can help: every blocking job may still become green. */
export function mayStillOpen(verdict: Verdict): boolean {
  return verdict.kind === 'blocked' && verdict.by.every((block) => block.mayChange);
}
