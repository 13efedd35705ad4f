import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueOf } from '../../model/result.js';
import { parseRows } from '../../model/row.js';
import { findFaults } from './did-all-succeed-command.js';

const table: readonly (readonly [string, string, readonly RegExp[]])[] = [
  ['accepts rows that passed', '0\t1.0\ta\tx\t-\t-\n0\t1.0\tb\tx\t-\t-\n', []],
  ['names a task that failed', '0\t1.0\ta\tx\t-\t-\n3\t1.0\tb\tx\t-\t-\n', [/task "b": failed, status 3/]],
  [
    'accepts an allowed failure',
    '0\t1\ta\tx\t-\t-\t-\t-\t-\t-\tpassed\tno\t1\n4\t1\tb\tx\t-\t-\t-\t-\t-\t-\tfailed\tyes\t1\n',
    [],
  ],
  ['names a row that cannot be parsed', '0\t1.0\ta\tx\t-\t-\nnonsense\n', [/line 2: /]],
  ['rejects a file without rows', '', [/^no task passed$/]],
  [
    'names an allowed task that was cancelled',
    '0\t1\ta\tx\t-\t-\n130\t1\tb\tx\t-\t-\t-\t-\t-\t-\tcancelled\tyes\t1\n',
    [/^task "b": cancelled, status 130$/],
  ],
  [
    'rejects a file with only skipped tasks',
    '125\t-\ta\tx\t-\t-\t-\t-\t-\t-\tskipped\tno\t0\n',
    [/no task passed/],
  ],
];

for (const [what, text, expected] of table) {
  test(`findFaults() ${what}`, () => {
    const faults = findFaults(valueOf(parseRows(text)));
    assert.equal(faults.length, expected.length, faults.join());
    expected.forEach((pattern, i) => {
      assert.match(faults[i] ?? '', pattern);
    });
  });
}
