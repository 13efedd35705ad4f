import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHint, findSimilarWord } from './near-word.js';

const known = [
  'image',
  'tasks',
  'tasks-from',
  'timeout',
  'retries',
  'allow-failure',
  'working-folder',
  'run',
];

test('findSimilarWord() finds the intended word', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['imgae', 'image'],
    ['img', 'image'],
    ['rnu', 'run'],
    ['retires', 'retries'],
    ['task', 'tasks'],
    ['time-out', 'timeout'],
    ['Timeout', 'timeout'],
    ['retry', 'retries'],
    ['runs', 'run'],
    ['allow_failure', 'allow-failure'],
    ['allowFailure', 'allow-failure'],
    ['working-dir', 'working-folder'],
    ['alow_failure', 'allow-failure'],
    ['stop-on-failure', undefined],
    ['cmd', undefined],
    ['script', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [word, near] of cases) assert.equal(findSimilarWord(word, known), near, word.slice(0, 80));
});

test('formatHint() returns a hint or an empty string', () => {
  assert.equal(formatHint('taks', known), ' (did you mean tasks?)');
  assert.equal(formatHint('before_script', known), '');
});
