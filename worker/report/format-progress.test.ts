import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TaskName } from '../../model/name.js';
import type { TaskRow } from '../../model/row.js';
import { failedRows, formatLogTail, formatProgress, plain } from './format-progress.js';

const row = (change: Partial<TaskRow>): TaskRow => ({
  ...{ kind: 'row', status: 0, task: 'unit' as TaskName, script: 'x', action: '-', outcome: 'passed' },
  ...{ allowed: false, tries: 1, elapsedSeconds: 1.234 },
  ...change,
});
const lineOf = (change: Partial<TaskRow>): string =>
  formatProgress({ kind: 'task-done', row: row(change), logFile: '' }, { color: false }).join();

test('formatProgress() formats a task as one line', () => {
  assert.equal(lineOf({}), 'passed      1.23 s  unit');
  assert.equal(lineOf({ status: 124, outcome: 'timed-out' }), 'timed-out   1.23 s  unit (status 124)');
  assert.equal(
    lineOf({ status: 2, outcome: 'failed', allowed: true, tries: 3 }),
    'failed      1.23 s  unit (status 2, 3 tries, allowed)',
  );
  assert.equal(
    formatProgress(
      { kind: 'done', outcome: 'error', status: 125, reason: 'no image' },
      { color: false },
    ).join(),
    'job error, status 125: no image',
  );
});

test('formatProgress() uses colors only if asked to', () => {
  const done = { kind: 'done', outcome: 'passed', status: 0 } as const;
  assert.equal(formatProgress(done, { color: true }).join(), 'job \u001b[32mpassed\u001b[0m, status 0');
  assert.equal(formatProgress(done, { color: false }).join(), 'job passed, status 0');
});

test('formatLogTail() shows the last 20 lines, each after a bar', () => {
  const log = Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n');
  const lines = formatLogTail('unit', `${log}\n`);
  assert.equal(lines.length, 21);
  assert.equal(lines[0], '--- unit: the last 20 lines');
  assert.equal(lines[1], '| line 10');
  assert.equal(lines.at(-1), '| line 29');
  assert.deepEqual(formatLogTail('unit', 'one\n'), ['--- unit: the whole log', '| one']);
  assert.deepEqual(formatLogTail('unit', ''), ['--- unit: the log is empty']);
  assert.deepEqual(formatLogTail('unit', '\n\n'), ['--- unit: the log is empty']);
});

test('formatLogTail() removes control sequences and escapes commands of CI hosts', () => {
  const text =
    '\u001b[31mred\u001b[0m \u001b]0;title\u0007x\r\u0008\n::set-env name=A::b\n##[add-path]/evil\n';
  assert.deepEqual(formatLogTail('t', text).slice(1), [
    '| red x  ',
    '| : :set-env name=A::b',
    '| ## [add-path]/evil',
  ]);
});

test('formatProgress() escapes commands of CI hosts in task names', () => {
  assert.equal(lineOf({ task: '##[add-path]x' as TaskName }), 'passed      1.23 s  ## [add-path]x');
});

test('plain() removes control characters from any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      assert.doesNotMatch(plain(text), /\p{Cc}|##\[|^\s*::/u);
    }),
  );
});

test('failedRows() returns all rows except passed, flaky and skipped ones', () => {
  const rows = (['passed', 'flaky', 'failed', 'timed-out', 'cancelled', 'skipped', 'error'] as const).map(
    (outcome) => row({ outcome }),
  );
  assert.deepEqual(
    failedRows(rows).map(({ outcome }) => outcome),
    ['failed', 'timed-out', 'cancelled', 'error'],
  );
});
