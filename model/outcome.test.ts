import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  foldJobs,
  foldTasks,
  hasTaskPassed,
  isGreen,
  isTaskGreen,
  jobStatus,
  taskOutcomes,
  type FinishedOutcome,
  type JobOutcome,
  type TaskOutcome,
} from './outcome.js';

/** The outcome of a job with one task. */
const ofOne: Record<TaskOutcome, FinishedOutcome> = {
  passed: 'passed',
  flaky: 'flaky',
  failed: 'failed',
  'timed-out': 'failed',
  cancelled: 'cancelled',
  skipped: 'empty',
  error: 'error',
  'known-failure': 'passed',
  'unexpected-pass': 'failed',
};

// The outcome of a job with two tasks. Columns and rows are in the order of `taskOutcomes`: passed flaky failed timed-out cancelled skipped error known-failure unexpected-pass.
const ofTwo: Record<TaskOutcome, string> = {
  passed: 'passed flaky failed failed cancelled passed error passed failed',
  flaky: 'flaky flaky failed failed cancelled flaky error flaky failed',
  failed: 'failed failed failed failed cancelled failed error failed failed',
  'timed-out': 'failed failed failed failed cancelled failed error failed failed',
  cancelled: 'cancelled cancelled cancelled cancelled cancelled cancelled error cancelled cancelled',
  skipped: 'passed flaky failed failed cancelled empty error passed failed',
  error: 'error error error error error error error error error',
  'known-failure': 'passed flaky failed failed cancelled passed error passed failed',
  'unexpected-pass': 'failed failed failed failed cancelled failed error failed failed',
};

test('foldTasks() of no tasks returns empty, which is not a pass', () => {
  assert.equal(foldTasks([]), 'empty');
  assert.equal(jobStatus('empty', []), 125);
  assert.equal(isGreen('empty'), false);
});

test('foldTasks() matches the truth table of one and two tasks', () => {
  for (const a of taskOutcomes) {
    assert.equal(foldTasks([{ outcome: a }]), ofOne[a], a);
    const row = ofTwo[a].split(' ');
    taskOutcomes.forEach((b, i) => {
      assert.equal(foldTasks([{ outcome: a }, { outcome: b }]), row[i], `${a} and ${b}`);
    });
  }
});

test('foldTasks() of three tasks does not depend on their order', () => {
  for (const a of taskOutcomes) {
    for (const b of taskOutcomes) {
      for (const c of taskOutcomes) {
        const all = [a, b, c].map((outcome) => ({ outcome }));
        assert.equal(foldTasks(all), foldTasks([...all].reverse()), `${a} ${b} ${c}`);
        const worst = [foldTasks(all.slice(0, 2)), ofOne[c]];
        assert.ok(worst.includes(foldTasks(all)), `${a} ${b} ${c}`);
      }
    }
  }
});

test('foldTasks() counts a tolerated failure as flaky, and a tolerated error as an error', () => {
  assert.equal(foldTasks([{ outcome: 'failed', allowed: true }]), 'flaky');
  assert.equal(foldTasks([{ outcome: 'timed-out', allowed: true }, { outcome: 'passed' }]), 'flaky');
  assert.equal(foldTasks([{ outcome: 'error', allowed: true }]), 'error');
  assert.equal(foldTasks([{ outcome: 'cancelled', allowed: true }]), 'cancelled');
});

const jobOutcomes: readonly JobOutcome[] = [
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

test('foldJobs() returns the worst job of every pair', () => {
  jobOutcomes.forEach((a, i) => {
    jobOutcomes.forEach((b, j) => {
      assert.equal(foldJobs([a, b]), jobOutcomes[Math.max(i, j)], `${a} and ${b}`);
    });
  });
  assert.equal(foldJobs([]), 'empty');
});

test('isGreen() is true for passed and flaky only', () => {
  assert.deepEqual(
    jobOutcomes.filter((o) => isGreen(o)),
    ['passed', 'flaky'],
  );
});

test('isTaskGreen() and hasTaskPassed() differ for tasks that are expected to fail', () => {
  assert.deepEqual(taskOutcomes.filter(isTaskGreen), ['passed', 'flaky', 'known-failure']);
  assert.deepEqual(taskOutcomes.filter(hasTaskPassed), ['passed', 'flaky', 'unexpected-pass']);
});

test('jobStatus() is 1 if the only failure is an unexpected pass', () => {
  assert.equal(jobStatus('failed', [{ outcome: 'unexpected-pass', status: 0 }]), 1);
  assert.equal(jobStatus('passed', [{ outcome: 'known-failure', status: 3 }]), 0);
  assert.equal(
    jobStatus('failed', [
      { outcome: 'known-failure', status: 77 },
      { outcome: 'failed', status: 2 },
    ]),
    2,
  );
});

test('jobStatus() is 0 for green outcomes only', () => {
  const failed = { outcome: 'failed', status: 3 } as const;
  const timedOut = { outcome: 'timed-out', status: 124 } as const;
  const tolerated = { outcome: 'failed', status: 200, allowed: true } as const;
  assert.equal(jobStatus('passed', []), 0);
  assert.equal(jobStatus('flaky', [tolerated]), 0);
  assert.equal(jobStatus('failed', [failed, tolerated]), 3);
  assert.equal(jobStatus('failed', [failed, timedOut]), 124);
  assert.equal(jobStatus('failed', []), 1);
  assert.equal(jobStatus('error', [failed]), 125);
  assert.equal(jobStatus('cancelled', []), 130);
});
