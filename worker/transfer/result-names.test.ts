import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchNames, searchRoot } from './result-names.js';

test('searchRoot() returns the folders before the first pattern', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['a/b.txt', 'a/b.txt'],
    ['./a//b/', 'a/b'],
    ['*.html', '.'],
    ['a/*/c', 'a'],
    ['a/q{1,2}.txt', 'a'],
    ['**', '.'],
  ];
  for (const [pattern, root] of cases) assert.equal(searchRoot(pattern), root, pattern);
});

test('matchNames() matches files, folders and globs as results do', async () => {
  const names = [
    'a.html',
    'rep/index.html',
    'rep/sub/.hidden',
    'q{1,2}.txt',
    'q1.txt',
    '(p).txt',
    'x/y/z.xml',
    'z.xml',
  ];
  const match = async (...patterns: readonly string[]) => [...(await matchNames(names, patterns))].sort();
  assert.deepEqual(await match('*.html'), ['a.html']);
  assert.deepEqual(await match('rep'), ['rep/index.html', 'rep/sub/.hidden']);
  assert.deepEqual(await match('rep/'), ['rep/index.html', 'rep/sub/.hidden']);
  assert.deepEqual(await match('q{1,2}.txt'), ['q{1,2}.txt']);
  assert.deepEqual(await match('(p).txt'), ['(p).txt']);
  assert.deepEqual(await match('**/*.xml', './a.html'), ['a.html', 'x/y/z.xml', 'z.xml']);
  assert.deepEqual(await match('../a.html', 'none'), []);
});
