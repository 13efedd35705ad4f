import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishedOutcomes } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import { valueOf } from '../../model/result.js';
import { parseRows } from '../../model/row.js';
import { checkEnd, readRecord, readRows } from './job-files.js';

const rowsOf = (...lines: readonly string[]) => valueOf(parseRows(lines.map((line) => `${line}\n`).join('')));
const passed = '0\t1\tgood\ta\tb\t-';
const failed = '3\t1\tbad\ta\tb\t-';
const plain: JobRecord = { schema: 1, attempt: 1, tasks: [], expectedJobs: [] };

test('checkEnd() folds the rows when the record has no outcome, as in schema 0', () => {
  assert.deepEqual(checkEnd(plain, rowsOf(passed)), { ok: true, value: { outcome: 'passed', status: 0 } });
  assert.deepEqual(checkEnd(plain, rowsOf(passed, failed)), {
    ok: true,
    value: { outcome: 'failed', status: 3 },
  });
  assert.deepEqual(checkEnd(plain, []), { ok: true, value: { outcome: 'empty', status: 125 } });
  assert.deepEqual(checkEnd(plain, rowsOf(passed, 'short')), {
    ok: true,
    value: { outcome: 'error', status: 125 },
  });
});

test('checkEnd() accepts an outcome that is worse than the rows, and refuses one that is better', () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    [passed]: ['error', 'cancelled', 'passed'],
    [failed]: ['error', 'cancelled', 'failed'],
    '': ['error', 'cancelled', 'empty'],
    short: ['error'],
  };
  for (const [line, outcomes] of Object.entries(allowed)) {
    for (const outcome of finishedOutcomes) {
      const end = checkEnd({ ...plain, outcome }, line === '' ? [] : rowsOf(line));
      assert.equal(end.ok, outcomes.includes(outcome), `${line} ${outcome}`);
    }
  }
});

test('checkEnd() refuses an exit status that does not fit the outcome', () => {
  for (const [outcome, line, status, isGood] of [
    ['passed', passed, 1, false],
    ['failed', failed, 0, false],
    ['failed', failed, 4, false],
    ['failed', failed, 3, true],
    ['cancelled', passed, 0, false],
    ['cancelled', passed, 143, true],
    ['error', passed, 0, false],
  ] as const) {
    assert.equal(checkEnd({ ...plain, outcome, status }, rowsOf(line)).ok, isGood, `${outcome} ${status}`);
  }
});

test('checkEnd() refuses a pass when the TSV has no row for a task of the record', () => {
  const [good, bad] = [passed, failed].map((line) => rowsOf(line)[0]);
  assert.ok(good?.kind === 'row' && bad?.kind === 'row');
  const tasks = [good, bad].map(({ task }) => ({ name: task, run: 'x' }));
  assert.deepEqual(checkEnd({ ...plain, tasks }, [good]), {
    ok: false,
    error: 'cannot accept outcome "passed": the TSV has no row for task "bad" of the record',
  });
  assert.equal(checkEnd({ ...plain, tasks }, [bad]).ok, true, 'the job has not passed');
  assert.equal(checkEnd({ ...plain, tasks: tasks.slice(0, 1) }, [good]).ok, true);
});

test('readRecord() and readRows() refuse bytes that are not UTF-8', () => {
  const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
  assert.deepEqual(readRecord(bytes), { ok: false, error: 'cannot read the record: not valid UTF-8' });
  assert.deepEqual(readRows(bytes), { ok: false, error: 'cannot read the TSV: not valid UTF-8' });
});
