import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitHash, JobName, RunId } from '../../model/name.js';
import { finishedOutcomes } from '../../model/outcome.js';
import type { JobStatus } from '../../model/status.js';
import { judge, mayStillOpen, type Expectation } from './gate.js';
import type { StatusAnswer } from '../client/status-client.js';

const commit = 'a'.repeat(40) as CommitHash;
const other = 'b'.repeat(40) as CommitHash;
const jobs = ['dev-minimal', 'cpp-small', 'raw-vm'] as JobName[];
const expected: Expectation = {
  host: 'github',
  run: '98765',
  attempt: 2,
  commit,
  now: 1000,
  maxAgeSeconds: 600,
};

const good = (job: string): JobStatus => ({
  status: 0,
  host: 'github',
  run: '98765' as RunId,
  attempt: 2,
  job: job as JobName,
  commit,
  outcome: 'passed',
  time: 900,
});
const status = (change: Partial<JobStatus>, job = 'cpp-small'): StatusAnswer => ({
  kind: 'status',
  status: { ...good(job), ...change },
});
const answers = (change: StatusAnswer | undefined): Map<string, StatusAnswer> => {
  const map = new Map<string, StatusAnswer>(jobs.map((job) => [job, status({}, job)]));
  if (change === undefined) map.delete('cpp-small');
  else map.set('cpp-small', change);
  return map;
};

/** Answers that block the gate if one job of three has them, with the reason and whether waiting can help. */
const blocking: [string, StatusAnswer | undefined, RegExp, boolean][] = [
  ['no answer', undefined, /^has not reported$/, true],
  ['404', { kind: 'missing' }, /^has not reported$/, true],
  ['HTML', { kind: 'unusable', reason: 'no status' }, /^has no usable status: no status$/, true],
  ['failed', status({ status: 1, outcome: 'failed' }), /^failed with exit status 1$/, false],
  ['timed out', status({ status: 124, outcome: 'failed' }), /^failed with exit status 124$/, false],
  ['status 0 without a pass', status({ outcome: 'error' }), /^error with exit status 0$/, false],
  ['a pass with another status', status({ status: 7 }), /^passed with exit status 7$/, false],
  ['older attempt', status({ attempt: 1 }), /^has reported for attempt 1 only; this is attempt 2$/, true],
  [
    'newer attempt',
    status({ attempt: 3 }),
    /^has reported for attempt 3; this is the older attempt 2$/,
    false,
  ],
  ['other commit', status({ commit: other }), /^its status is for commit b{40}$/, false],
  [
    'abbreviated commit',
    status({ commit: commit.slice(0, 39) as CommitHash }),
    /^its status is for commit/,
    false,
  ],
  ['other run', status({ run: '98764' as RunId }), /^its status is for run "98764" on github$/, false],
  ['other host', status({ host: 'local' }), /^its status is for run "98765" on local$/, false],
  ['other job', status({ job: 'raw-vm' as JobName }), /^its status is for job "raw-vm"$/, false],
  ['too old', status({ time: 399 }), /^its status is 601 s old, more than 600 s$/, false],
  ['from the future', status({ time: 1301 }), /^its status is dated 301 s in the future$/, false],
];

test('judge() returns green when every required job is green for this run, attempt and commit', () => {
  assert.deepEqual(judge(jobs, answers(status({})), expected), { kind: 'green' });
  assert.deepEqual(judge(jobs, answers(status({ outcome: 'flaky' })), expected), { kind: 'green' });
  assert.deepEqual(judge(jobs, answers(status({ time: 1299 })), expected), { kind: 'green' });
  const extra = answers(status({})).set('not-required', { kind: 'missing' });
  assert.deepEqual(judge(jobs, extra, expected), { kind: 'green' });
});

test('judge() returns the blocking job and the reason', () => {
  for (const [name, answer, reason, mayChange] of blocking) {
    const verdict = judge(jobs, answers(answer), expected);
    assert.ok(verdict.kind === 'blocked', name);
    assert.equal(verdict.by.length, 1, name);
    assert.equal(verdict.by[0]?.job, 'cpp-small', name);
    assert.match(verdict.by[0].reason, reason, name);
    assert.equal(mayStillOpen(verdict), mayChange, name);
  }
});

test('judge() blocks on required jobs without an answer', () => {
  const arrived = new Map<string, StatusAnswer>([['dev-minimal', status({}, 'dev-minimal')]]);
  const verdict = judge(jobs, arrived, expected);
  assert.ok(verdict.kind === 'blocked');
  assert.deepEqual(
    verdict.by.map((s) => s.job),
    ['cpp-small', 'raw-vm'],
  );
  assert.throws(() => judge([], arrived, expected), /at least one job/);
});

test('judge() returns green only if every status is green', () => {
  const anyStatus = fc.record(
    {
      status: fc.constantFrom(0, 0, 0, 1, 125),
      host: fc.constantFrom('github' as const, 'github' as const, 'local' as const),
      run: fc.constantFrom('98765' as RunId, '98765' as RunId, '1' as RunId),
      attempt: fc.constantFrom(2, 2, 1, 3),
      job: fc.constantFrom(...jobs),
      commit: fc.constantFrom(commit, commit, other),
      outcome: fc.constantFrom(...finishedOutcomes),
      time: fc.integer({ min: 0, max: 2000 }),
    },
    { noNullPrototype: true },
  );
  const anyAnswer: fc.Arbitrary<StatusAnswer> = fc.oneof(
    { weight: 5, arbitrary: anyStatus.map((s) => ({ kind: 'status' as const, status: s })) },
    { weight: 5, arbitrary: fc.constantFrom(...jobs).map((job) => status({}, job)) },
    { weight: 1, arbitrary: fc.constant({ kind: 'missing' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'unusable' as const, reason: 'x' }) },
  );
  const isGood = (answer: StatusAnswer | undefined, job: string) =>
    answer?.kind === 'status' &&
    answer.status.status === 0 &&
    ['passed', 'flaky'].includes(answer.status.outcome) &&
    answer.status.job === job &&
    answer.status.host === 'github' &&
    answer.status.run === '98765' &&
    answer.status.attempt === 2 &&
    answer.status.commit === commit &&
    answer.status.time >= 400 &&
    answer.status.time <= 1300;
  fc.assert(
    fc.property(fc.tuple(anyAnswer, anyAnswer, anyAnswer), (list) => {
      const map = new Map(jobs.map((job, i) => [job as string, list[i] ?? { kind: 'missing' as const }]));
      const verdict = judge(jobs, map, expected);
      assert.equal(
        verdict.kind === 'green',
        jobs.every((job) => isGood(map.get(job), job)),
      );
    }),
    { seed: 17, numRuns: 5000 },
  );
});
