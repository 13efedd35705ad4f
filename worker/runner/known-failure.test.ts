import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTaskName } from '../../model/name.js';
import { taskOutcomes, type TaskOutcome } from '../../model/outcome.js';
import { valueOf } from '../../model/result.js';
import type { TaskRow } from '../../model/row.js';
import { judgeKnownFailure } from './known-failure.js';

const rowOf = (outcome: TaskOutcome): TaskRow => ({
  ...{ kind: 'row', status: 3, task: valueOf(parseTaskName('t')), script: 'x', action: '-', outcome },
  ...{ allowed: false, tries: 1 },
});
const now = Date.parse('2026-06-15T12:00:00Z') / 1000;
const why = 'the parser is wrong';

test('judgeKnownFailure() matches the table of outcomes, for a date to come and one that has passed', () => {
  const table: Record<TaskOutcome, readonly [before: TaskOutcome, after: TaskOutcome]> = {
    passed: ['unexpected-pass', 'unexpected-pass'],
    flaky: ['unexpected-pass', 'unexpected-pass'],
    failed: ['known-failure', 'failed'],
    'timed-out': ['timed-out', 'timed-out'],
    cancelled: ['cancelled', 'cancelled'],
    skipped: ['skipped', 'skipped'],
    error: ['error', 'error'],
    'known-failure': ['known-failure', 'known-failure'],
    'unexpected-pass': ['unexpected-pass', 'unexpected-pass'],
  };
  for (const outcome of taskOutcomes) {
    const judge = (until: string): TaskOutcome =>
      judgeKnownFailure(rowOf(outcome), { on: [], until, why }, { host: 'local', now }).row.outcome;
    assert.deepEqual([judge('2026-06-15'), judge('2026-06-14')], table[outcome], outcome);
  }
});

test('judgeKnownFailure() says why', () => {
  const note = (outcome: TaskOutcome, until?: string): string | undefined =>
    judgeKnownFailure(
      rowOf(outcome),
      { on: [], why, ...(until !== undefined && { until }) },
      { host: 'local', now },
    ).note;
  assert.equal(note('failed'), 'known failure: the parser is wrong');
  assert.equal(note('failed', '2027-01-01'), 'known failure until 2027-01-01: the parser is wrong');
  assert.equal(
    note('failed', '2026-01-01'),
    'expected to fail until 2026-01-01, which has passed: the parser is wrong',
  );
  assert.equal(
    note('passed', '2027-01-01'),
    'expected to fail until 2027-01-01, but it passed: the parser is wrong. Remove expect-fail from soil.yml',
  );
  assert.equal(note('timed-out'), undefined);
});

test('judgeKnownFailure() applies only on the worker hosts that are listed', () => {
  const judge = (host: 'github' | 'local'): TaskOutcome =>
    judgeKnownFailure(rowOf('failed'), { on: ['github', 'sourcehut'], why }, { host, now }).row.outcome;
  assert.deepEqual([judge('github'), judge('local')], ['known-failure', 'failed']);
});
