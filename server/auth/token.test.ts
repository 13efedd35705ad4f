import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJobName } from '../../model/name.js';
import { valueOf } from '../../model/result.js';
import {
  makeToken,
  matchToken,
  parseStoredToken,
  permits,
  sha256Of,
  tokenId,
  type StoredToken,
} from './token.js';
import { matchesPattern } from '../../model/name-pattern.js';

const job = (name: string) => valueOf(parseJobName(name));
const stored = (token: string, more: Partial<StoredToken> = {}): StoredToken => ({
  ...{ id: 'ci', number: 1, sha256: sha256Of(token), actions: ['append'], jobs: '*', notBefore: 100 },
  ...more,
});

test('makeToken() has a form that a scanner can match, and is never the same', () => {
  const tokens = new Set(Array.from({ length: 200 }, () => makeToken('my-ci')));
  assert.equal(tokens.size, 200);
  for (const token of tokens) assert.deepEqual(tokenId(token), { ok: true, value: 'my-ci' });
});

test('tokenId() refuses what is cut, changed or something else, and never repeats it', () => {
  const token = makeToken('ci');
  const changed = token.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'));
  for (const bad of [
    '',
    'soil_ci_',
    token.slice(0, -1),
    `${token}x`,
    changed,
    token.replace('_ci_ci_', '_ci_cj_'),
  ]) {
    const found = tokenId(bad);
    assert.ok(!found.ok, bad);
    assert.ok(bad.length < 10 || !found.error.includes(bad));
  }
});

test('matchToken() knows two tokens of one id, and their life', () => {
  const [old, young, other] = [makeToken('ci'), makeToken('ci'), makeToken('ci')];
  const both = [stored(old, { expires: 200 }), stored(young, { number: 2 })];
  assert.equal(matchToken(old, both, 150).ok, true);
  assert.equal(valueOf(matchToken(young, both, 150)).number, 2);
  const refusals: [string, readonly StoredToken[], number, RegExp][] = [
    [old, both, 200, /expired/],
    [young, both, 99, /does not hold yet/],
    [other, both, 150, /does not know it/],
    [young, [stored(young, { revoked: 120 })], 150, /revoked/],
  ];
  for (const [token, tokens, now, pattern] of refusals) {
    const found = matchToken(token, tokens, now);
    assert.ok(!found.ok);
    assert.match(found.error, pattern);
  }
});

test('matchesPattern() takes a star for any characters and nothing else for more than itself', () => {
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

test('permits() names what a token lacks', () => {
  const token = stored('x', { jobs: 'cpp-*', workerHost: 'github' });
  assert.equal(permits(token, { action: 'append', host: 'github', job: job('cpp-a') }).ok, true);
  const wishes = [
    [{ action: 'status' }, /lacks the action status/],
    [{ action: 'append', host: 'local' }, /github only/],
    [{ action: 'append', job: job('dev') }, /jobs "cpp-\*" only/],
  ] as const;
  for (const [wish, pattern] of wishes) {
    const permitted = permits(token, wish);
    assert.ok(!permitted.ok);
    assert.match(permitted.error, pattern);
  }
});

test('parseStoredToken() reads back what is stored, and lets no limit be lost', () => {
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
