import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsAll, parseRetentionText, parseRunPin } from './retention-policy.js';

const parse = (text: string) => parseRetentionText(text, 'soil-server.yml');

test('parseRetentionText() reads limits, pins and the time between two prunes', () => {
  const parsed = parse(`
sites: {}
retention:
  every: 30m
  wwz: { newest: 200, age: 30d, bytes: 20GB }
  run:
    age: 2y
  keep:
    green: false
    branches: [main, release-*]
    runs: [github/1234, local/2026-01-13-ada]
`);
  assert.deepEqual(parsed, {
    ok: true,
    value: {
      everySeconds: 1800,
      limits: {
        wwz: { newest: 200, ageSeconds: 30 * 86_400, bytes: 20e9 },
        run: { ageSeconds: 730 * 86_400 },
      },
      keep: {
        ...{ green: false, merged: true, firstFailure: true, branches: ['main', 'release-*'] },
        runs: [
          { host: 'github', name: '1234' },
          { host: 'local', name: '2026-01-13-ada' },
        ],
      },
    },
  });
});

test('parseRetentionText() keeps everything without limits', () => {
  assert.deepEqual(parse('sites: {}\n'), { ok: true, value: undefined });
  assert.deepEqual(parse('retention: {}\n'), { ok: true, value: keepsAll });
});

const bad: readonly (readonly [string, string])[] = [
  ['retention: all', '1:12: cannot accept retention "all": it must be a map of keys and values'],
  [
    'retention:\n  wzw: {}',
    '2:3: cannot accept key "wzw" in retention: it must be one of every, wwz, run, keep (did you mean wwz?)',
  ],
  [
    'retention: { wwz: { age: 30 } }',
    '1:26: cannot accept age "30": it has no unit; write 30m, 12h, 90d, 8w or 2y',
  ],
  ['retention: { wwz: { newest: 0 } }', '1:29: cannot accept newest "0": it must be a whole number from 1'],
  [
    'retention: { run: { bytes: 20G } }',
    '1:28: cannot accept bytes "20G": it must be a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB',
  ],
  ['retention: { run: { bytes: [1] } }', '1:28: cannot accept bytes (a list): it must be text'],
  ['retention: { keep: { green: yes } }', '1:29: cannot accept green "yes": it must be true or false'],
  [
    'retention: { keep: { runs: [1234] } }',
    '1:29: cannot accept run "1234": it must be HOST/RUN, like github/1234',
  ],
  ['retention: { keep: { runs: github/1 } }', '1:28: cannot accept runs "github/1": it must be a list'],
];

test('parseRetentionText() rejects invalid values, with line and column', () => {
  for (const [text, error] of bad) {
    const parsed = parse(text);
    assert.deepEqual(parsed, { ok: false, error: `soil-server.yml:${error}` });
  }
});

test('parseRetentionText() reports every fault, and does not treat an invalid limit as no limit', () => {
  const parsed = parse('retention:\n  wwz: { age: soon, newest: few }\n  every: never\n');
  assert.ok(!parsed.ok);
  assert.equal(parsed.error.split('\n').length, 3);
});

test('parseRetentionText() accepts ages and bytes with one unit only', () => {
  const bytes = (text: string) => parse(`retention: { wwz: { bytes: ${JSON.stringify(text)} } }`);
  const age = (text: string) => parse(`retention: { wwz: { age: ${JSON.stringify(text)} } }`);
  const limits = (given: object) => ({ ok: true, value: { ...keepsAll, limits: { wwz: given, run: {} } } });
  assert.deepEqual(bytes('1.5TiB'), limits({ bytes: 1.5 * 2 ** 40 }));
  assert.deepEqual(bytes('500 MB'), limits({ bytes: 500e6 }));
  assert.deepEqual(bytes('999999999TiB'), limits({ bytes: 999_999_999 * 2 ** 40 }));
  assert.deepEqual(age('8w'), limits({ ageSeconds: 56 * 86_400 }));
  assert.deepEqual(age('999999y'), limits({ ageSeconds: 999_999 * 365 * 86_400 }));
  for (const text of ['', '0GB', '-1GB', '5', '5 XB', '1e3GB']) assert.ok(!bytes(text).ok, text);
  for (const text of ['', '0d', '-1d', '1.5d', '5', '1d2h', '90s']) assert.ok(!age(text).ok, text);
});

test('parseRunPin() accepts HOST/RUN only', () => {
  for (const text of ['', 'github', 'github/', 'gitlab/1', 'github/../1', 'github/a b']) {
    assert.ok(!parseRunPin(text).ok, text);
  }
});
