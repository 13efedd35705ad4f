import assert from 'node:assert/strict';
import { test } from 'node:test';
import { task } from '../test/sample-job.js';
import { taskTable, type TaskTableOptions } from './task-view.js';

const options: TaskTableOptions = {
  caption: 'Tasks',
  rows: [],
  commands: [],
  logHref: (row) => `logs/${row.task}`,
  earlierLogHref: (row, attempt) => `logs/${row.task}/${attempt}`,
  resultHref: (path) => path,
  isDetailed: false,
};

test('taskTable() leaves out passed tasks first, and keeps the order they ran in', () => {
  const rows = [
    task('passed', 'a', 1),
    task('passed', 'b', 1),
    task('failed', 'c', 1, { status: 1 }),
    task('passed', 'd', 1),
    task('skipped', 'e', undefined),
  ];
  const table = taskTable({ ...options, rows, limit: 3 });
  assert.deepEqual(
    table.tasks.map((t) => t.name),
    ['a', 'c', 'e'],
  );
  assert.equal(table.more, 2);
});

test('taskTable() shows exit status, tries and allowed failures, and links the logs of earlier tries', () => {
  const rows = [
    task('flaky', 'f', 3, { tries: 3 }),
    task('failed', 'g', 1, { status: 7, allowed: true }),
    task('timed-out', 'h', 1, { status: 124 }),
    task('skipped', 'i', undefined),
  ];
  const { tasks } = taskTable({ ...options, rows });
  assert.deepEqual(
    tasks.map((t) => t.note),
    ['3 tries', 'exit 7, allowed', undefined, undefined],
  );
  assert.deepEqual(tasks[0]?.earlierLogs, [
    { text: 'try 1', href: 'logs/f/1' },
    { text: 'try 2', href: 'logs/f/2' },
  ]);
  assert.equal(tasks[3]?.logHref, undefined);
});

test('taskTable() shows the full command if the record has it', () => {
  const rows = [task('passed', 'a', 1, { script: 'set', action: '-e b' }), task('passed', 'b', 1)];
  const { tasks } = taskTable({ ...options, rows, commands: [{ name: 'a', run: 'set -e\nb\u202e\n' }] });
  assert.equal(tasks[0]?.command, 'set -e\nb\\u202e');
  assert.equal(tasks[1]?.command, 'test/soil.sh b');
});

test('taskTable() has no result column if there are no results to open', () => {
  const rows = [task('passed', 'a', 1, { resultHtml: '_test/index.html' })];
  assert.equal(taskTable({ ...options, rows }).hasResults, true);
  assert.equal(taskTable({ ...options, rows, resultHref: () => undefined }).hasResults, false);
});
