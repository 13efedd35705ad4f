import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesPattern, parseJobName } from '../../model/name.js';
import { valueOf } from '../../model/result.js';
import {
  generateToken,
  matchToken,
  parseStoredToken,
  permits,
  sha256Of,
  parseToken,
  type StoredToken,
} from './token.js';

const job = (name: string) => valueOf(parseJobName(name));
const stored = (token: string, more: Partial<StoredToken> = {}): StoredToken => ({
  ...{ id: 'ci', number: 1, sha256: sha256Of(token), actions: ['append'], jobs: '*', notBefore: 100 },
  ...more,
});

test('generateToken() has a form that a scanner can match, and never repeats', () => {
  const tokens = new Set(Array.from({ length: 200 }, () => generateToken('my-ci')));
  assert.equal(tokens.size, 200);
  for (const token of tokens) assert.deepEqual(parseToken(token), { ok: true, value: 'my-ci' });
});

test('parseToken() refuses an incomplete, changed or malformed token without quoting it', () => {
  const token = generateToken('ci');
  const changed = token.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'));
  for (const bad of [
    '',
    'soil_ci_',
    token.slice(0, -1),
    `${token}x`,
    changed,
    token.replace('_ci_ci_', '_ci_cj_'),
  ]) {
    const found = parseToken(bad);
    assert.ok(!found.ok, bad);
    assert.ok(bad.length < 10 || !found.error.includes(bad));
  }
});

test('matchToken() accepts two tokens of one id, while they are valid', () => {
  const [old, young, other] = [generateToken('ci'), generateToken('ci'), generateToken('ci')];
  const both = [stored(old, { expires: 200 }), stored(young, { number: 2 })];
  assert.equal(matchToken(old, both, 150).ok, true);
  assert.equal(valueOf(matchToken(young, both, 150)).number, 2);
  const refusals: [string, readonly StoredToken[], number, RegExp][] = [
    [old, both, 200, /expired/],
    [young, both, 99, /not valid yet/],
    [other, both, 150, /unknown token/],
    [young, [stored(young, { revoked: 120 })], 150, /revoked/],
  ];
  for (const [token, tokens, now, pattern] of refusals) {
    const found = matchToken(token, tokens, now);
    assert.ok(!found.ok);
    assert.match(found.error, pattern);
  }
});

test('matchesPattern() matches * with any characters, and every other character with itself', () => {
  for (const [pattern, name, isMatch] of [
    ['*', 'anything', true],
    ['cpp-*', 'cpp-small', true],
    ['cpp-*', 'cpp', false],
    ['*-small', 'cpp-small', true],
    ['a.c', 'abc', false],
    ['a*c*e', 'abcde', true],
    ['cpp', 'cpp-small', false],
  ] as const) {
    assert.equal(matchesPattern(pattern, name), isMatch, `${pattern} ${name}`);
  }
});

test('permits() names the permission that a token lacks', () => {
  const token = stored('x', { jobs: 'cpp-*', workerHost: 'github' });
  assert.equal(permits(token, { action: 'append', host: 'github', job: job('cpp-a') }).ok, true);
  const permissions = [
    [{ action: 'status' }, /lacks the action status/],
    [{ action: 'append', host: 'local' }, /limited to worker host "github"/],
    [{ action: 'append', job: job('dev') }, /limited to jobs "cpp-\*"/],
  ] as const;
  for (const [permission, pattern] of permissions) {
    const permitted = permits(token, permission);
    assert.ok(!permitted.ok);
    assert.match(permitted.error, pattern);
  }
});

test('parseStoredToken() parses what is stored, and loses no limit', () => {
  const token = stored('x', { workerHost: 'local', expires: 5, revoked: 6 });
  assert.deepEqual(parseStoredToken(JSON.parse(JSON.stringify(token))), token);
  for (const bad of [
    { workerHost: 'mars' },
    { expires: '5' },
    { revoked: true },
    { jobs: 7 },
    { actions: ['all'] },
  ]) {
    assert.equal(parseStoredToken({ ...token, ...bad }), undefined, JSON.stringify(bad));
  }
});
