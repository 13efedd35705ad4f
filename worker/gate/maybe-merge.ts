/** `soil-worker maybe-merge`: fast-forwards the target branch to a green commit, or explains why it does not. */
import { setTimeout } from 'node:timers/promises';
import { planPause } from '../../model/backoff.js';
import type { CommitHash, JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseConfig } from '../config/project-config.js';
import { describeNoCandidate } from './candidate.js';
import { judge, mayStillOpen, type Verdict } from './gate.js';
import type { MergeRule, ProjectConfig } from '../config/job-declaration.js';
import type { MergeRemote } from './merge-remote.js';
import type { StatusRun } from '../client/status-address.js';
import { readStatus, type StatusAnswer } from '../client/status-client.js';

export interface MaybeMergeOptions extends StatusRun {
  readonly remote: MergeRemote;
  /** the site with the status API; ends with a slash */
  readonly server: string;
  /** the candidate; undefined: nothing says which commit was tested */
  readonly commit: CommitHash | undefined;
  /** the candidate's branch */
  readonly branch: string;
  /** the branch to move, as named by the candidate's soil.yml; the rule is read at the tip of this branch */
  readonly target: string;
  /** path of soil.yml in the repo */
  readonly configPath: string;
  readonly maxAgeSeconds?: number;
  /** how long to wait for jobs that have not reported; 0 does not wait */
  readonly waitSeconds: number;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** ends the wait; an update that has begun is completed and verified */
  readonly cancel?: AbortSignal;
  /** prints one line of progress */
  readonly print: (line: string) => void;
}

/** 0: merged, already merged, or nothing to do. 1: not green. 2: wrong configuration. 3: refused, or the target moved. 130: cancelled. */
export type MergeStatus = 0 | 1 | 2 | 3 | 130;

export interface MergeEnd {
  readonly status: MergeStatus;
  readonly message: string;
}

const pollSeconds = 5;
/** How often, and after which pauses, the target is read again to confirm an update. */
const confirmations = 3;
const confirmBackoff = { baseSeconds: 0.3, maxSeconds: 1.2 };

/** Merges the candidate if the rule at the tip of the target allows it. Returns the exit status and a message. */
export async function maybeMerge(options: MaybeMergeOptions): Promise<MergeEnd> {
  const { remote, target, branch } = options;
  const end = (status: MergeStatus, message: string): MergeEnd => ({ status, message });
  const deadline = options.now() + options.waitSeconds;

  for (let before: CommitHash | undefined; ;) {
    const read = await remote.readTip(target);
    if (!read.ok) return end(3, read.error);
    const tip = read.value;
    if (tip === undefined) return end(2, `cannot merge: ${remote.name} has no branch ${quote(target)}`);
    // The rule may have changed with the tip. The verdict must come from the rule at the tip that is moved.
    if (tip === before && options.commit !== undefined) {
      return moveTarget(tip, { ...options, commit: options.commit }, end);
    }
    if (before !== undefined) options.print(`${target} moved to ${tip}: reading its rule again`);
    before = tip;
    const rule = await readRule(options, tip);
    if (!rule.ok) return end(2, rule.error);
    const { merge, jobs } = rule.value;
    if (branch !== merge.from) {
      return end(
        0,
        `nothing to do on branch ${quote(branch)}: only ${quote(merge.from)} is merged into ${quote(target)}`,
      );
    }
    const { commit } = options;
    if (commit === undefined) return end(2, describeNoCandidate(target));
    if (tip === commit) return end(0, `${target} is already at ${commit}`);

    options.print(`required by ${options.configPath} at ${target} (${tip}): ${jobs.join(', ')}`);
    const verdict = await waitForVerdict(jobs, deadline, { ...options, commit, rule: merge });
    if (options.cancel?.aborted === true) return end(130, `not merged: cancelled; ${target} is unchanged`);
    if (verdict.kind === 'blocked') {
      const reasons = verdict.by.map(({ job, reason }) => `  ${job}: ${reason}`);
      return end(1, [`not merged: ${commit} is not green`, ...reasons].join('\n'));
    }
  }
}

/** The options once it is known which commit may be merged. */
interface CandidateOptions extends MaybeMergeOptions {
  readonly commit: CommitHash;
  /** at the tip of the target */
  readonly rule?: MergeRule;
}

interface Rule {
  readonly merge: MergeRule;
  readonly jobs: readonly JobName[];
}

/** Reads the rule from the target's tip, so that a candidate cannot shorten the list of jobs it must pass. */
async function readRule(
  { remote, target, configPath }: MaybeMergeOptions,
  tip: CommitHash,
): Promise<Result<Rule>> {
  const where = `${configPath} at ${target} (${tip})`;
  const text = await remote.readFile(tip, configPath);
  if (!text.ok) return text;
  if (text.value === undefined) return refuse(`cannot merge: no ${where}`);
  const config = parseConfig(text.value, where);
  if (!config.ok) return config;
  const { merge } = config.value;
  if (merge === undefined) return refuse(`cannot merge: ${where} has no key "merge"`);
  if (merge.to !== target) {
    return refuse(`cannot merge into ${quote(target)}: ${where} says "to" is ${quote(merge.to)}`);
  }
  const jobs = requiredJobs(merge, config.value);
  return jobs.length === 0 ? refuse(`cannot merge: ${where} requires no jobs`) : accept({ merge, jobs });
}

function requiredJobs(merge: MergeRule, config: ProjectConfig): readonly JobName[] {
  return merge.require === 'all' ? config.jobs.map((job) => job.name) : merge.require;
}

/** Polls until the gate opens, a job blocks it for good, or the time limit expires. */
async function waitForVerdict(
  jobs: readonly JobName[],
  deadline: number,
  options: CandidateOptions,
): Promise<Verdict> {
  for (let printed = ''; ;) {
    const verdict = judge(jobs, await readStatuses(jobs, options), { ...options, now: options.now() });
    const left = deadline - options.now();
    if (!mayStillOpen(verdict) || left <= 0 || options.cancel?.aborted === true) return verdict;
    const waiting = verdict.kind === 'blocked' ? verdict.by.map(({ job }) => job).join(', ') : '';
    if (waiting !== printed) options.print(`waiting for ${waiting}`);
    printed = waiting;
    await setTimeout(Math.min(pollSeconds, left) * 1000, undefined, {
      ...(options.cancel !== undefined && { signal: options.cancel }),
    }).catch(() => undefined);
  }
}

async function readStatuses(
  jobs: readonly JobName[],
  { server, host, run }: MaybeMergeOptions,
): Promise<Map<string, StatusAnswer>> {
  const read = async (job: JobName) => [job, await readStatus({ server, host, run, job })] as const;
  return new Map(await Promise.all(jobs.map(read)));
}

/** Fast-forwards the target, then reads it back: the target must be at exactly the commit that was tested. */
async function moveTarget(
  tip: CommitHash,
  { remote, target, commit }: CandidateOptions,
  end: (status: MergeStatus, message: string) => MergeEnd,
): Promise<MergeEnd> {
  const relation = await remote.relation(tip, commit);
  if (!relation.ok) return end(3, relation.error);
  if (relation.value === 'contained')
    return end(0, `${target} already contains ${commit}; its tip is ${tip}`);
  if (relation.value === 'diverged') {
    return end(3, `not merged: ${commit} is not a fast-forward of ${target}, which is at ${tip}`);
  }
  const moved = await remote.fastForward(target, commit);
  let seen = await remote.readTip(target);
  // With two concurrent gates, the refused one may read the target before the other one's update is complete. A large
  // host may also return the old tip for a moment.
  for (let read = 1; read <= confirmations && (!seen.ok || seen.value === tip); read++) {
    await setTimeout(1000 * planPause(read, confirmBackoff));
    seen = await remote.readTip(target);
  }
  const now = seen.ok ? seen.value : undefined;
  if (now === commit) {
    return end(
      0,
      moved.kind === 'moved' ? `merged: ${target} ${tip} -> ${commit}` : `${target} is already at ${commit}`,
    );
  }
  if (now !== undefined && now !== tip) {
    const since = await remote.relation(now, commit);
    if (since.ok && since.value === 'contained') {
      return end(
        0,
        moved.kind === 'moved'
          ? `merged: ${target} ${tip} -> ${commit}; it has since moved to ${now}`
          : `${target} already contains ${commit}; its tip is ${now}`,
      );
    }
  }
  const position =
    now === tip ? `is still at ${tip}` : now === undefined ? 'no longer exists' : `has moved to ${now}`;
  const where = seen.ok ? `${target} ${position}` : seen.error;
  switch (moved.kind) {
    case 'moved':
      return end(3, `cannot confirm the merge: ${target} was moved to ${commit}, but ${where}`);
    case 'refused':
      return end(3, `not merged: ${remote.name} refused the update: ${moved.reason}; ${where}`);
    case 'unknown':
      return end(
        3,
        `cannot confirm the merge: no clear answer from ${remote.name}: ${moved.reason}; ${where}`,
      );
  }
}
