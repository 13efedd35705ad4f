/** `soil-worker maybe-merge`: moves the target branch to a commit that passed, or says why not. */
import { setTimeout } from 'node:timers/promises';
import type { CommitHash, JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseConfig } from '../config/project-config.js';
import { judge, mayOpen, type Verdict } from './gate.js';
import type { MergeRule, ProjectConfig } from '../config/job-declaration.js';
import type { MergeRemote } from './merge-remote.js';
import type { StatusRun } from '../client/status-address.js';
import { askStatus } from '../client/status-client.js';
import type { StatusAnswer } from '../client/status-answer.js';

export interface MaybeMergeOptions extends StatusRun {
  readonly remote: MergeRemote;
  /** where the status API is; ends in a slash */
  readonly server: string;
  /** the candidate */
  readonly commit: CommitHash;
  /** the candidate's branch */
  readonly branch: string;
  /** the branch to move, as the candidate's own soil.yml names it; its rule is read at that branch's tip */
  readonly target: string;
  /** path of soil.yml in the repo */
  readonly configPath: string;
  readonly maxAgeSeconds?: number;
  /** how long to wait for jobs that have not reported; 0: not at all */
  readonly waitSeconds: number;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** ends the waiting; an update that has begun is finished, and read back */
  readonly cancel?: AbortSignal;
  /** one line for people */
  readonly say: (line: string) => void;
}

/** 0: merged, there already, or nothing to do. 1: not green. 2: wrong configuration. 3: refused, or the target moved. 130: cancelled. */
export type MergeStatus = 0 | 1 | 2 | 3 | 130;

export interface MergeEnd {
  readonly status: MergeStatus;
  readonly message: string;
}

const pollSeconds = 5;

export async function maybeMerge(options: MaybeMergeOptions): Promise<MergeEnd> {
  const { remote, target, commit, branch } = options;
  const end = (status: MergeStatus, message: string): MergeEnd => ({ status, message });
  const deadline = options.now() + options.waitSeconds;

  for (let before: CommitHash | undefined; ;) {
    const read = await remote.readTip(target);
    if (!read.ok) return end(3, read.error);
    const tip = read.value;
    if (tip === undefined) return end(2, `cannot merge: ${remote.name} has no branch ${quote(target)}`);
    // What was green by the rule of an older tip says nothing of the rule that holds now.
    if (tip === before) return moveTarget(tip, options, end);
    if (before !== undefined) options.say(`${target} has moved to ${tip}: its rule is read anew`);
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
    if (tip === commit) return end(0, `${target} is at ${commit} already`);

    options.say(`required, by ${options.configPath} at ${target} (${tip}): ${jobs.join(', ')}`);
    const verdict = await waitForVerdict(jobs, deadline, options);
    if (options.cancel?.aborted === true) return end(130, `not merged: cancelled; ${target} was not touched`);
    if (verdict.kind === 'shut') {
      const reasons = verdict.by.map(({ job, reason }) => `  ${job}: ${reason}`);
      return end(1, [`not merged: ${commit} is not green`, ...reasons].join('\n'));
    }
  }
}

interface Rule {
  readonly merge: MergeRule;
  readonly jobs: readonly JobName[];
}

/** The rule as the target has it: a candidate must not be able to shorten the list it is measured by. */
async function readRule(
  { remote, target, configPath }: MaybeMergeOptions,
  tip: CommitHash,
): Promise<Result<Rule>> {
  const where = `${configPath} at ${target} (${tip})`;
  const text = await remote.readFile(tip, configPath);
  if (!text.ok) return text;
  if (text.value === undefined) return refuse(`cannot merge: there is no ${where}`);
  const config = parseConfig(text.value, where);
  if (!config.ok) return config;
  const { merge } = config.value;
  if (merge === undefined) return refuse(`cannot merge: ${where} has no key "merge"`);
  if (merge.to !== target) {
    return refuse(`cannot merge into ${quote(target)}: ${where} says "to" is ${quote(merge.to)}`);
  }
  const jobs = requiredJobs(merge, config.value);
  return jobs.length === 0 ? refuse(`cannot merge: ${where} requires no job`) : accept({ merge, jobs });
}

function requiredJobs(merge: MergeRule, config: ProjectConfig): readonly JobName[] {
  return merge.require === 'all' ? config.jobs.map((job) => job.name) : merge.require;
}

/** Asks until the gate is open, or a job keeps it shut for good, or the time to wait is over. */
async function waitForVerdict(
  jobs: readonly JobName[],
  deadline: number,
  options: MaybeMergeOptions,
): Promise<Verdict> {
  for (let said = ''; ;) {
    const verdict = judge(jobs, await askAll(jobs, options), { ...options, now: options.now() });
    const left = deadline - options.now();
    if (!mayOpen(verdict) || left <= 0 || options.cancel?.aborted === true) return verdict;
    const waiting = verdict.kind === 'shut' ? verdict.by.map((shut) => shut.job).join(', ') : '';
    if (waiting !== said) options.say(`waiting for ${waiting}`);
    said = waiting;
    await setTimeout(Math.min(pollSeconds, left) * 1000, undefined, {
      ...(options.cancel !== undefined && { signal: options.cancel }),
    }).catch(() => undefined);
  }
}

async function askAll(
  jobs: readonly JobName[],
  { server, host, run }: MaybeMergeOptions,
): Promise<Map<string, StatusAnswer>> {
  const ask = async (job: JobName) => [job, await askStatus({ server, host, run, job })] as const;
  return new Map(await Promise.all(jobs.map(ask)));
}

/** A pure fast-forward, then the ref is read back: what landed must be what was tested, to the letter. */
async function moveTarget(
  tip: CommitHash,
  { remote, target, commit }: MaybeMergeOptions,
  end: (status: MergeStatus, message: string) => MergeEnd,
): Promise<MergeEnd> {
  const relation = await remote.relation(tip, commit);
  if (!relation.ok) return end(3, relation.error);
  if (relation.value === 'contained') return end(0, `${target} has ${commit} already; its tip is ${tip}`);
  if (relation.value === 'diverged') {
    return end(3, `not merged: ${target} is at ${tip}, and ${commit} does not follow from it`);
  }
  const moved = await remote.fastForward(target, commit);
  let seen = await remote.readTip(target);
  // Two gates at once: the one that is refused may look before the other one's update is done. And a large host may
  // show for a moment what it had before.
  for (let look = 0; look < 3 && (!seen.ok || seen.value === tip); look++) {
    await setTimeout(300 * 2 ** look);
    seen = await remote.readTip(target);
  }
  const now = seen.ok ? seen.value : undefined;
  if (now === commit) {
    return end(
      0,
      moved.kind === 'moved' ? `merged: ${target} ${tip} -> ${commit}` : `${target} is at ${commit} already`,
    );
  }
  if (now !== undefined && now !== tip) {
    const since = await remote.relation(now, commit);
    if (since.ok && since.value === 'contained') {
      return end(
        0,
        moved.kind === 'moved'
          ? `merged: ${target} ${tip} -> ${commit}; it has moved on to ${now} since`
          : `${target} has ${commit} already; its tip is ${now}`,
      );
    }
  }
  const place = now === tip ? `reads ${tip} still` : now === undefined ? 'is gone' : `has moved to ${now}`;
  const where = seen.ok ? `${target} ${place}` : seen.error;
  switch (moved.kind) {
    case 'moved':
      return end(3, `cannot confirm the merge: ${target} was moved to ${commit}, but ${where}`);
    case 'refused':
      return end(3, `not merged: ${remote.name} refused: ${moved.reason}; ${where}`);
    case 'unknown':
      return end(3, `cannot tell whether it was merged: ${remote.name}: ${moved.reason}; ${where}`);
  }
}
