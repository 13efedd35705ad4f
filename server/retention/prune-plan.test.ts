import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { workerHosts, type CommitHash, type RunId } from '../../model/name.js';
import { isGreen, type RunOutcome } from '../../model/outcome.js';
import {
  artifactsToRemove,
  planPrune,
  type PlanFacts,
  type PrunableRun,
  type Verdict,
} from './prune-plan.js';
import { keepsAll, tiers, type RetentionPolicy, type TierLimits } from '../config/retention-policy.js';

const day = 86_400;
const now = 1000 * day;
const commitOf = (digit: number) => digit.toString(16).repeat(40) as CommitHash;
const noFacts: PlanFacts = { now, merged: new Set(), pinned: [] };

function runOf(run: string, more: Partial<PrunableRun> = {}): PrunableRun {
  return {
    ...{ host: 'github', arrival: 0, run, names: [run], outcome: 'failed' },
    ...{ isUnfinished: false, commits: [], bytes: { wwz: 100, run: 10 }, artifactBytes: new Map() },
    ...more,
  };
}

const onMain = { lineage: 'main', branch: 'main' };

const policyOf = (limits: { readonly wwz?: TierLimits; readonly run?: TierLimits }): RetentionPolicy => ({
  ...keepsAll,
  limits: { wwz: {}, run: {}, ...limits },
});

const going = (verdicts: readonly Verdict[]): readonly string[] =>
  verdicts.flatMap(({ run, tier }) => (tier === undefined ? [] : [`${run.run} ${tier}`]));

const plan = (runs: readonly PrunableRun[], policy: RetentionPolicy, facts = noFacts) =>
  planPrune(runs, policy, facts);

test('planPrune() counts run numbers by value: 998 is older than 1000', () => {
  const runs = ['1000', '999', '998', '1001', '99'].map((run) => runOf(run));
  assert.deepEqual(going(plan(runs, policyOf({ run: { newest: 3 } }))), ['998 run', '99 run']);
});

test('planPrune() sorts runs of two workflows by GITHUB_RUN_ID', () => {
  const runs = [runOf('7', { runId: '5000' as RunId }), runOf('900', { runId: '4000' as RunId })];
  assert.deepEqual(going(plan(runs, policyOf({ run: { newest: 1 } }))), ['900 run']);
});

test('planPrune() orders sourcehut ids by value', () => {
  const runs = ['1000010', '999999', '1000002'].map((run) => runOf(run, { host: 'sourcehut' }));
  assert.deepEqual(going(plan(runs, policyOf({ run: { newest: 2 } }))), ['999999 run']);
});

test('planPrune() orders local runs by the time in their names', () => {
  const names = ['2026-01-13T12-00-00-ada', '2025-12-31T23-59-59-ada', '2026-01-02T00-00-00-bob'];
  const runs = names.map((run) => runOf(run, { host: 'local' }));
  assert.deepEqual(going(plan(runs, policyOf({ run: { newest: 2 } }))), [`${names[1] ?? ''} run`]);
});

test('planPrune() removes wwz files first and the run later', () => {
  const runs = [1, 2, 3, 4].map((age) => runOf(String(10 - age), { time: now - age * 100 * day }));
  const policy = policyOf({ wwz: { ageSeconds: 150 * day }, run: { ageSeconds: 350 * day } });
  assert.deepEqual(going(plan(runs, policy)), ['8 wwz', '7 wwz', '6 run']);
});

test('planPrune() takes the age of a run without a time from the next newer run', () => {
  const runs = [runOf('3', { time: now }), runOf('2', { time: now - 9 * day }), runOf('1')];
  assert.deepEqual(going(plan(runs, policyOf({ run: { ageSeconds: 8 * day } }))), ['2 run', '1 run']);
  assert.deepEqual(going(plan([runOf('2'), runOf('1')], policyOf({ run: { ageSeconds: 1 } }))), []);
});

test('planPrune() counts bytes of pinned runs first, then from the newest run on, over all hosts', () => {
  const runs = [
    runOf('4', { time: now - 1 }),
    runOf('9', { host: 'sourcehut', time: now - 2 }),
    runOf('3', { time: now - 3, isUnfinished: true }),
    runOf('2', { time: now - 4 }),
    runOf('1', { time: now - 5 }),
  ];
  assert.deepEqual(going(plan(runs, policyOf({ wwz: { bytes: 400 } }))), ['1 wwz']);
  assert.deepEqual(going(plan(runs, policyOf({ wwz: { bytes: 1 } }))), ['2 wwz', '1 wwz']);
});

test('planPrune() pins: newest green, first failure after it, merged, by hand, by policy, unfinished', () => {
  const runs = [
    runOf('9', onMain),
    runOf('8', { ...onMain, isUnfinished: true }),
    runOf('7', onMain),
    runOf('6', { ...onMain, outcome: 'flaky' }),
    runOf('5', { ...onMain, outcome: 'passed', commits: [commitOf(5)] }),
    runOf('4', { ...onMain, names: ['4', '4-2'] }),
    runOf('3', { ...onMain, commits: [commitOf(3)] }),
    runOf('2', { ...onMain, names: ['2'] }),
    runOf('1', { lineage: 'other', branch: 'other', outcome: 'passed' }),
    runOf('0', { ...onMain, outcome: 'passed' }),
  ];
  const policy: RetentionPolicy = {
    ...policyOf({ run: { newest: 1 } }),
    keep: { ...keepsAll.keep, runs: [{ host: 'github', name: '4-2' }] },
  };
  const facts = { now, merged: new Set([commitOf(3)]), pinned: [{ host: 'github', name: '2' } as const] };
  const pins = plan(runs, policy, facts).map(({ run, tier, pin }) => `${run.run}: ${pin ?? tier ?? 'stays'}`);
  assert.deepEqual(pins, [
    '9: the newest run on GitHub',
    '8: a job is running or expected',
    '7: the first failure of main',
    '6: the newest green run of main',
    '5: run',
    '4: pinned by soil-server.yml',
    '3: its commit was merged',
    '2: pinned by hand',
    '1: the newest green run of other',
    '0: run',
  ]);
  const withoutPins = {
    ...policy,
    keep: { ...keepsAll.keep, green: false, merged: false, firstFailure: false },
  };
  assert.deepEqual(
    going(plan(runs, withoutPins)).map((text) => text.slice(0, 1)),
    ['7', '6', '5', '4', '3', '2', '1', '0'],
  );
});

test('planPrune() pins the newest green run of each branch in the policy', () => {
  const passed = { outcome: 'passed' } as const;
  const runs = [
    runOf('4'),
    runOf('3', { ...passed, lineage: 'a', branch: 'fix-typo' }),
    runOf('2', { ...passed, lineage: 'b', branch: 'release-1' }),
    runOf('1', { ...passed, lineage: 'c', branch: 'main' }),
  ];
  const limits = policyOf({ run: { newest: 1 } });
  assert.deepEqual(going(plan(runs, limits)), []);
  const policy = { ...limits, keep: { ...limits.keep, branches: ['main', 'release-*'] } };
  assert.deepEqual(going(plan(runs, policy)), ['3 run']);
});

test('artifactsToRemove() keeps artifacts of a commit that has another run', () => {
  const artifactBytes = new Map([[commitOf(1), 50]]);
  const common = { commits: [commitOf(1)], artifactBytes };
  const runs = [runOf('3'), runOf('2', common), runOf('1', common)];
  assert.deepEqual(artifactsToRemove(plan(runs, policyOf({ run: { newest: 2 } }))), []);
  const [gone] = artifactsToRemove(plan(runs, policyOf({ run: { newest: 1 } })));
  assert.equal(gone?.commit, commitOf(1));
  assert.match(gone.rule, /^not among the newest 1 run on GitHub$/);
});

const limit = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: undefined });
const limitsArb: fc.Arbitrary<TierLimits> = fc
  .record({ newest: limit(12), ageSeconds: limit(60 * day), bytes: limit(2000) })
  .map(({ newest, ageSeconds, bytes }) => ({
    ...(newest !== undefined && { newest }),
    ...(ageSeconds !== undefined && { ageSeconds }),
    ...(bytes !== undefined && { bytes }),
  }));
const policyArb: fc.Arbitrary<RetentionPolicy> = fc
  .record({
    wwz: limitsArb,
    run: limitsArb,
    green: fc.boolean(),
    merged: fc.boolean(),
    firstFailure: fc.boolean(),
  })
  .map(({ wwz, run, ...keep }) => ({
    ...policyOf({ wwz, run }),
    keep: { ...keepsAll.keep, ...keep, runs: [{ host: 'github', name: '3' }] },
  }));
const outcomes: readonly RunOutcome[] = ['passed', 'flaky', 'failed', 'error', 'empty', 'lost', 'running'];
const runsArb = fc
  .array(
    fc.record({
      host: fc.constantFrom(...workerHosts),
      number: fc.integer({ min: 1, max: 1200 }),
      line: fc.constantFrom(undefined, 'main', 'other'),
      outcome: fc.constantFrom(...outcomes),
      age: fc.option(fc.integer({ min: 0, max: 90 }), { nil: undefined }),
      commit: fc.integer({ min: 0, max: 5 }),
      wwz: fc.constantFrom(0, 10, 300),
      artifacts: fc.constantFrom(0, 0, 200),
    }),
    { maxLength: 25 },
  )
  .map((items) => {
    const unique = new Map(items.map((item) => [`${item.host} ${item.number}`, item]));
    return [...unique.values()].map(({ host, number, line, outcome, age, commit, wwz, artifacts }) => {
      const plain = runOf(String(number));
      return {
        ...plain,
        ...{ host, outcome, isUnfinished: outcome === 'running', commits: [commitOf(commit)] },
        ...(line !== undefined && { lineage: line, branch: line }),
        ...(age !== undefined && { time: now - age * day }),
        bytes: { wwz, run: 10 },
        artifactBytes: artifacts === 0 ? new Map() : new Map([[commitOf(commit), artifacts + commit]]),
      };
    });
  });
const facts: PlanFacts = { now, merged: new Set([commitOf(2)]), pinned: [{ host: 'local', name: '7' }] };

/** The runs after the removals of a plan. */
function after(verdicts: readonly Verdict[]): readonly PrunableRun[] {
  return verdicts.flatMap(({ run, tier }) => {
    if (tier === 'run') return [];
    return [tier === 'wwz' ? { ...run, bytes: { ...run.bytes, wwz: 0 } } : run];
  });
}

test('planPrune() never removes what a pin or a running job needs', () => {
  fc.assert(
    fc.property(runsArb, policyArb, (runs, policy) => {
      const verdicts = plan(runs, policy, facts);
      assert.equal(verdicts.length, runs.length);
      const gone = new Set(verdicts.filter(({ tier }) => tier !== undefined).map(({ run }) => run));
      for (const run of gone) {
        assert.ok(!run.isUnfinished && !(run.host === 'github' && run.run === '3'));
        assert.ok(!(run.host === 'local' && run.run === '7'));
        assert.ok(!policy.keep.merged || !run.commits.includes(commitOf(2)));
      }
      // In each branch, by another way: walk from the newest run on until green.
      for (const host of workerHosts) {
        for (const line of ['main', 'other']) {
          const ended = runs
            .filter((run) => run.host === host && run.lineage === line && !run.isUnfinished)
            .sort((a, b) => Number(b.run) - Number(a.run));
          const at = ended.findIndex(({ outcome }) => isGreen(outcome));
          const [green, first] = at < 0 ? [] : [ended[at], ended[at - 1]];
          if (policy.keep.green && green !== undefined) assert.ok(!gone.has(green));
          if (policy.keep.firstFailure && first !== undefined) assert.ok(!gone.has(first));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('planPrune() removes nothing more after its removals are done', () => {
  fc.assert(
    fc.property(runsArb, policyArb, (runs, policy) => {
      const left = after(plan(runs, policy, facts));
      assert.deepEqual(going(plan(left, policy, facts)), []);
    }),
    { numRuns: 2000 },
  );
});

const rank = (goes: Verdict['tier']): number => (goes === undefined ? 0 : tiers.indexOf(goes) + 1);

test('planPrune() with a stricter policy never keeps more', () => {
  const tighter = fc.record({
    tier: fc.constantFrom(...tiers),
    key: fc.constantFrom('newest', 'ageSeconds', 'bytes'),
    part: fc.double({ min: 0.01, max: 1, noNaN: true }),
    first: fc.integer({ min: 1, max: 3000 }),
  });
  fc.assert(
    fc.property(runsArb, policyArb, tighter, (runs, policy, { tier, key, part, first }) => {
      const before = policy.limits[tier][key];
      const value = before === undefined ? first : Math.max(1, Math.floor(before * part));
      const stricter = {
        ...policy,
        limits: { ...policy.limits, [tier]: { ...policy.limits[tier], [key]: value } },
      };
      const loose = new Map(plan(runs, policy, facts).map(({ run, tier }) => [run, rank(tier)]));
      for (const { run, tier } of plan(runs, stricter, facts)) {
        assert.ok(rank(tier) >= (loose.get(run) ?? 0), run.run);
      }
    }),
    { numRuns: 2000 },
  );
});

test('planPrune() returns the same verdicts for runs in any order', () => {
  fc.assert(
    fc.property(runsArb, policyArb, (runs, policy) => {
      // Runs of the same second on two hosts have no defined order.
      const forward = plan(runs, policy, facts);
      const backward = plan([...runs].reverse(), policy, facts);
      assert.deepEqual(going(forward), going(backward));
    }),
    { numRuns: 500 },
  );
});
