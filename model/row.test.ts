import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TaskName } from './name.js';
import { foldTasks, hasTaskPassed, taskOutcomes } from './outcome.js';
import { columns, formatRows, parseRows, type Row, type TaskRow } from './row.js';
import { valueOf } from './result.js';

const sixColumns =
  '0\t1.52\tos-info\tsoil/diagnose.sh\tos-info\t-\n1\t3.00\tunit\ttest/unit.sh\tminimal\t_test/index.html\n';

const rowsOf = (text: string): Row[] => valueOf(parseRows(text));
const reasons = (rows: readonly Row[]) => rows.flatMap((r) => (r.kind === 'bad' ? [r.reason] : []));

test('parseRows() parses the six columns of Soil’s shell worker without header', () => {
  const rows = rowsOf(sixColumns);
  assert.deepEqual(rows[0], {
    kind: 'row',
    status: 0,
    elapsedSeconds: 1.52,
    task: 'os-info',
    script: 'soil/diagnose.sh',
    action: 'os-info',
    outcome: 'passed',
    allowed: false,
    tries: 1,
  });
  assert.ok(rows[1]?.kind === 'row');
  assert.equal(rows[1].outcome, 'failed');
  assert.equal(rows[1].resultHtml, '_test/index.html');
  assert.deepEqual(rowsOf(`status\telapsed\ttask\tscript\taction\tresult_html\n${sixColumns}`), rows);
  assert.deepEqual(rowsOf(sixColumns.replaceAll('\n', '\r\n')), rows);
});

test('parseRows() returns the valid rows next to invalid ones', () => {
  const rows = rowsOf(
    `0\t1.0\n${sixColumns}0\t1\tprüfung\ta\tb\t-\n999\t1\tx\ta\tb\t-\n0\tsoon\ty\ta\tb\t-\n`,
  );
  assert.equal(rows.filter((r) => r.kind === 'row').length, 3);
  assert.deepEqual(reasons(rows), [
    'it has 2 columns, not six or more',
    'cannot accept status "999": it must be a whole number from 0 to 255',
    'cannot accept elapsedSeconds "soon": not a number',
  ]);
  assert.equal(foldTasks(rows), 'error');
});

test('parseRows() rejects a million tasks before parsing', () => {
  const refused = parseRows('0\t1\tt\ts\t-\t-\n'.repeat(1_000_000));
  assert.deepEqual(refused, {
    ok: false,
    error: 'cannot read the TSV: it has 1000000 lines, more than 50000',
  });
});

test('parseRows() returns no rows for an empty TSV, which is not a pass', () => {
  for (const text of ['', '\n', `${columns.join('\t')}\n`]) {
    assert.deepEqual(rowsOf(text), []);
    assert.equal(foldTasks(rowsOf(text)), 'empty');
  }
});

test('parseRows() rejects a result that is a script URL', () => {
  const rows = rowsOf('0\t1\tx\ta\tb\tjavascript:alert(1)\n');
  assert.match(
    reasons(rows)[0] ?? '',
    /cannot accept result_html "javascript:alert\(1\)": it must be a path/,
  );
});

test('parseRows() rejects an outcome that contradicts the status, and a duplicate task', () => {
  const row = (status: number, outcome: string, task: string) =>
    `${status}\t1\t${task}\ta\tb\t-\t-\t-\t-\t-\t${outcome}\tno\t1\n`;
  const rows = rowsOf(
    row(1, 'passed', 'a') + row(0, 'failed', 'b') + row(0, 'passed', 'c') + row(0, 'passed', 'c'),
  );
  assert.deepEqual(reasons(rows), [
    'cannot accept outcome "passed": the status is 1',
    'cannot accept outcome "failed": the status is 0',
    'task "c" already has a row',
  ]);
  assert.equal(parseRows('a\0b').ok, false);
});

const cell = fc
  .string({ unit: fc.constantFrom(...'ab "\'\\,<é日'), minLength: 1, maxLength: 12 })
  .map((t) => `x${t}`);
const cents = fc.integer({ min: 0, max: 1e7 }).map((n) => n / 100);

const anyRow: fc.Arbitrary<TaskRow> = fc
  .record(
    {
      kind: fc.constant('row' as const),
      outcome: fc.constantFrom(...taskOutcomes),
      elapsedSeconds: cents,
      task: fc.constant('t' as TaskName),
      script: cell,
      action: cell,
      resultHtml: fc.constantFrom('a.html', '_x/é.html'),
      startTime: cents,
      userSeconds: cents,
      systemSeconds: cents,
      maxRssKib: fc.nat(),
      allowed: fc.boolean(),
      tries: fc.integer({ min: 1, max: 20 }),
    },
    {
      requiredKeys: ['kind', 'outcome', 'task', 'script', 'action', 'allowed', 'tries'],
    },
  )
  .map((r) => ({ ...r, status: hasTaskPassed(r.outcome) ? 0 : 7 }));

test('parseRows() inverts formatRows()', () => {
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 8 }), (list) => {
      const rows = list.map((row, i) => ({ ...row, task: `task ${i} é` as TaskName }));
      assert.deepEqual(rowsOf(formatRows(rows)), rows);
    }),
    { seed: 5, numRuns: 500 },
  );
});

test('parseRows() never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0\t\n\r"\\x-é\0'), maxLength: 60 }), (text) => {
      assert.equal(typeof parseRows(text).ok, 'boolean');
    }),
    { seed: 2, numRuns: 3000 },
  );
});
