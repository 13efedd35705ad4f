/** Plans a prune: what to remove of each run, and the rule or pin that decides. Pure. */
import { matchesPattern, type CommitHash, type RunId, type WorkerHost } from '../../model/name.js';
import { isGreen, type RunOutcome } from '../../model/outcome.js';
import { bytesText, countText, hostWord } from '../../templates/wording.js';
import {
  ageText,
  pinText,
  tiers,
  type RetentionPolicy,
  type RunPin,
  type Tier,
} from '../config/retention-policy.js';
import { compareRuns } from '../state/run-list.js';

/** The unit that is kept or removed: a run with all its attempts, or on sourcehut all jobs of a commit. */
export interface PrunableRun {
  readonly host: WorkerHost;
  /** see Run; on sourcehut that of its newest job */
  readonly arrival: number;
  /** the own run of a token: it is counted apart, so that it pushes no other run out, and pins nothing */
  readonly isOwn?: boolean;
  /** its number or id, on sourcehut its newest job id */
  readonly run: string;
  /** GITHUB_RUN_ID, see compareRuns() */
  readonly runId?: RunId;
  /** every name that a pin may use */
  readonly names: readonly string[];
  /** the branch, workflow and repository: green and failed runs are compared within it */
  readonly lineage?: string;
  readonly branch?: string;
  readonly outcome: RunOutcome;
  /** a job is running or expected */
  readonly isUnfinished: boolean;
  /** the last start of a job as this server knows it, seconds since 1970, UTC */
  readonly time?: number;
  readonly commits: readonly CommitHash[];
  /** `wwz`: bytes of the wwz files; `run`: of JSON and TSV */
  readonly bytes: Readonly<Record<Tier, number>>;
  /** bytes of artifacts by commit; they are removed with the last run of the commit */
  readonly artifactBytes: ReadonlyMap<CommitHash, number>;
}

export interface PlanFacts {
  /** seconds since 1970, UTC */
  readonly now: number;
  /** commits that a gate merged */
  readonly merged: ReadonlySet<CommitHash>;
  /** runs that are pinned with `soil-server pin` */
  readonly pinned: readonly RunPin[];
}

/**
 * `tier`: what is removed; undefined: nothing. `rule`: the limit that the run exceeds, even if a pin keeps it. `pin`:
 * why the run is kept regardless of limits.
 */
export interface Verdict<R extends PrunableRun = PrunableRun> {
  readonly run: R;
  readonly tier: Tier | undefined;
  readonly rule: string | undefined;
  readonly pin: string | undefined;
}

/** Returns a verdict for each run, by host and newest first. Limits are compared with what exists before the prune. */
export function planPrune<R extends PrunableRun>(
  runs: readonly R[],
  policy: RetentionPolicy,
  facts: PlanFacts,
): readonly Verdict<R>[] {
  const sorted = [...runs].sort((a, b) => (a.host === b.host ? compareRuns(a, b) : a.host < b.host ? -1 : 1));
  const pins = findPins(sorted, policy, facts);
  const times = estimateTimes(sorted);
  const rules = new Map(
    tiers.map((tier) => [tier, findExceeded(tier, sorted, { policy, facts, pins, times })]),
  );
  return sorted.map((run) => {
    const pin = pins.get(run);
    const whole = rules.get('run')?.get(run);
    const rule = whole ?? rules.get('wwz')?.get(run);
    const exceeded: Tier = whole === undefined ? 'wwz' : 'run';
    const hasFiles = exceeded === 'run' || run.bytes.wwz > 0;
    const tier = rule !== undefined && pin === undefined && hasFiles ? exceeded : undefined;
    return { run, tier, rule: tier === undefined && pin === undefined ? undefined : rule, pin };
  });
}

interface RuleContext {
  readonly policy: RetentionPolicy;
  readonly facts: PlanFacts;
  readonly pins: ReadonlyMap<PrunableRun, string>;
  readonly times: ReadonlyMap<PrunableRun, number>;
}

/** Returns the runs that exceed a limit of the tier, each with that limit in words. */
function findExceeded(
  tier: Tier,
  sorted: readonly PrunableRun[],
  { policy, facts, pins, times }: RuleContext,
): ReadonlyMap<PrunableRun, string> {
  const { newest, ageSeconds, bytes } = policy.limits[tier];
  const rules = new Map<PrunableRun, string>();
  if (bytes !== undefined) {
    for (const run of beyondBytes(tier, sorted, { bytes, pins, times })) {
      rules.set(run, `beyond the ${bytesText(bytes)} that newer and pinned runs fill`);
    }
  }
  const position = new Map<string, number>();
  for (const run of sorted) {
    const list = `${run.host} ${String(run.isOwn === true)}`;
    const rank = (position.get(list) ?? 0) + 1;
    position.set(list, rank);
    const time = times.get(run);
    if (ageSeconds !== undefined && time !== undefined && time < facts.now - ageSeconds) {
      rules.set(run, `older than ${ageText(ageSeconds)}`);
    }
    if (newest !== undefined && rank > newest) {
      rules.set(run, `not among the newest ${countText(newest, 'run')} on ${hostWord(run.host)}`);
    }
  }
  return rules;
}

/**
 * Returns the runs that do not fit into `bytes`. Pinned runs count first, then the newest; after the first run that
 * does not fit, none does. Runs that another rule removes count too, so that a stricter limit never keeps more.
 */
function beyondBytes(
  tier: Tier,
  sorted: readonly PrunableRun[],
  {
    bytes,
    pins,
    times,
  }: { readonly bytes: number; readonly pins: RuleContext['pins']; readonly times: RuleContext['times'] },
): readonly PrunableRun[] {
  const counted = new Set<string>();
  const sizeOf = (run: PrunableRun): number => {
    let size = run.bytes[tier];
    if (tier === 'wwz') return size;
    for (const [commit, artifactBytes] of run.artifactBytes) {
      const key = `${run.host} ${commit}`;
      if (!counted.has(key)) size += artifactBytes;
      counted.add(key);
    }
    return size;
  };
  const timeOf = (run: PrunableRun): number => times.get(run) ?? -Infinity;
  let sum = 0;
  for (const run of sorted) if (pins.has(run)) sum += sizeOf(run);
  let isFull = false;
  const byTime = sorted
    .filter((run) => !pins.has(run))
    .sort((a, b) => ownLast(a, b) || (timeOf(a) === timeOf(b) ? 0 : timeOf(b) - timeOf(a)));
  return byTime.filter((run) => {
    sum += sizeOf(run);
    isFull ||= sum > bytes;
    return isFull && (tier === 'run' || run.bytes.wwz > 0);
  });
}

/** Sorts the own runs of tokens after all others. */
const ownLast = (a: PrunableRun, b: PrunableRun): number =>
  Number(a.isOwn === true) - Number(b.isOwn === true);

/** Returns the time of each run. A run without one gets that of the next newer run of its host. */
function estimateTimes(sorted: readonly PrunableRun[]): ReadonlyMap<PrunableRun, number> {
  const times = new Map<PrunableRun, number>();
  const last = new Map<WorkerHost, number>();
  for (const run of sorted) {
    const time = run.time ?? last.get(run.host);
    if (time === undefined) continue;
    times.set(run, time);
    last.set(run.host, time);
  }
  return times;
}

/** Returns the runs that are kept regardless of limits, each with the most important reason. */
function findPins(
  sorted: readonly PrunableRun[],
  { keep }: RetentionPolicy,
  { merged, pinned }: PlanFacts,
): ReadonlyMap<PrunableRun, string> {
  const pins = new Map<PrunableRun, string>();
  const pin = (run: PrunableRun | undefined, reason: string): void => {
    if (run !== undefined && !pins.has(run)) pins.set(run, reason);
  };
  const established = sorted.filter((run) => run.isOwn !== true);
  for (const run of established) if (run.isUnfinished) pin(run, 'a job is running or expected');
  const named = new Map(
    [
      ...keep.runs.map((p) => [p, 'soil-server.yml'] as const),
      ...pinned.map((p) => [p, 'hand'] as const),
    ].map(([pin, by]) => [pinText(pin), by]),
  );
  for (const run of sorted) {
    const by = run.names.flatMap((name) => named.get(pinText({ host: run.host, name })) ?? [])[0];
    if (by !== undefined) pin(run, `pinned by ${by}`);
    if (keep.merged && run.commits.some((commit) => merged.has(commit))) pin(run, 'its commit was merged');
  }
  const isKept = ({ branch = '' }: PrunableRun): boolean =>
    keep.branches.some((pattern) => matchesPattern(pattern, branch));
  for (const { newestGreen, firstFailure } of currentStreaks(established.filter(isKept))) {
    // A first failure is useful only with the green run before it.
    if (keep.green || (keep.firstFailure && firstFailure !== undefined))
      pin(newestGreen, `the newest green run of ${newestGreen?.branch ?? 'its branch'}`);
    if (keep.firstFailure) {
      pin(firstFailure, `the first failure of ${firstFailure?.branch ?? 'its branch'}`);
    }
  }
  const hosts = new Set<WorkerHost>();
  for (const run of established) {
    if (!hosts.has(run.host)) pin(run, `the newest run on ${hostWord(run.host)}`);
    hosts.add(run.host);
  }
  return pins;
}

/** Returns the newest green run of each lineage, and the first failure after it, or the oldest known one. */
function currentStreaks(sorted: readonly PrunableRun[]) {
  const streaks = new Map<string, { newestGreen?: PrunableRun; firstFailure?: PrunableRun }>();
  for (const run of sorted) {
    if (run.lineage === undefined || run.isUnfinished) continue;
    const key = `${run.host} ${run.lineage}`;
    const streak = streaks.get(key) ?? {};
    streaks.set(key, streak);
    if (streak.newestGreen !== undefined) continue;
    if (isGreen(run.outcome)) streak.newestGreen = run;
    else streak.firstFailure = run;
  }
  return [...streaks.values()];
}

/** Lists commits whose last run on a host is removed, with the rule. Their artifacts are removed with it. */
export function artifactsToRemove(
  verdicts: readonly Verdict[],
): readonly { readonly host: WorkerHost; readonly commit: CommitHash; readonly rule: string }[] {
  const kept = new Set<string>();
  for (const { run, tier } of verdicts) {
    if (tier !== 'run') for (const commit of run.commits) kept.add(`${run.host} ${commit}`);
  }
  const removed = new Map<string, { host: WorkerHost; commit: CommitHash; rule: string }>();
  for (const { run, tier, rule = '' } of verdicts) {
    if (tier !== 'run') continue;
    for (const commit of run.artifactBytes.keys()) {
      const key = `${run.host} ${commit}`;
      if (!kept.has(key)) removed.set(key, { host: run.host, commit, rule });
    }
  }
  return [...removed.values()];
}
