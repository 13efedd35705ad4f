import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseResultPath, parseTaskList, splitCommand } from './task.js';
import { valueOf } from './result.js';

test('parseTaskList() parses four columns, comments and empty lines', () => {
  const text =
    '# name script action result\n\nos-info soil/diagnose.sh os-info -\nunit\ttest/unit.sh - _test/index.html\n';
  const [first, second, ...rest] = valueOf(parseTaskList(text, 'tasks'));
  assert.equal(rest.length, 0);
  assert.equal(first?.run, 'soil/diagnose.sh os-info');
  assert.equal(first.resultHtml, undefined);
  assert.equal(second?.run, 'test/unit.sh');
  assert.equal(second.resultHtml, '_test/index.html');
  assert.deepEqual(second.results, ['_test/index.html']);
});

const faults: [string, RegExp][] = [
  ['unit test/unit.sh -', /^list:1: cannot accept task "unit test\/unit.sh -": it has 3 columns, not four/],
  ['unit a b c d', /5 columns/],
  ['unit - - -', /it has no script/],
  ['../x a b -', /cannot accept task name "..\/x": it has a slash/],
  ['x a b /etc/passwd', /it must be relative/],
  ['x a b ../secret', /leaves the repo/],
  ['x a b javascript:alert(1)', /it must be a path, not a URL/],
  ['x a b -\nx c d -', /^list:2: cannot accept task "x": line 1 has a task of that name/],
];

test('parseTaskList() names the source, the line, the value and the reason of every error', () => {
  for (const [text, error] of faults) {
    const result = parseTaskList(text, 'list');
    assert.ok(!result.ok, text);
    assert.match(result.error, error);
  }
  const several = parseTaskList('a\nok s a -\nb', 'list');
  assert.ok(!several.ok);
  assert.deepEqual(
    several.error.split('\n').map((line) => line.slice(0, 7)),
    ['list:1:', 'list:3:'],
  );
});

test('parseTaskList() never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      const result = parseTaskList(text, 'x');
      assert.equal(typeof result.ok, 'boolean');
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('splitCommand() splits a command into two columns', () => {
  assert.deepEqual(splitCommand('make check'), { script: 'make', action: 'check' });
  assert.deepEqual(splitCommand('make'), { script: 'make', action: '-' });
  assert.deepEqual(splitCommand('cd x\n\tmake  all\n'), { script: 'cd', action: 'x make all' });
});

test('parseResultPath() rejects paths outside the repo', () => {
  for (const good of ['a', 'a/b.html', '_test/', 'a/**/*.html', 'ü/x y'])
    assert.ok(parseResultPath(good).ok, good);
  for (const bad of ['', '/a', 'a/../b', '..', 'a\\b', 'http://x', 'a\nb'])
    assert.ok(!parseResultPath(bad).ok, bad);
});
