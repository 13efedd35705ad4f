import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ageRule, formatDuration, parseDuration, type DurationRule } from './duration.js';

const table: readonly (readonly [string, number | RegExp])[] = [
  ['90s', 90],
  ['15m', 900],
  ['1h30m', 5400],
  ['2d', 172800],
  ['0s', 0],
  ['1h1m1s', 3661],
  ['366d', 366 * 86400],
  ['01h', 3600],
  ['90', /no unit/],
  ['', /written like/],
  ['m', /written like/],
  ['30m1h', /written like/],
  ['1h1h', /written like/],
  ['-5s', /written like/],
  ['1.5h', /written like/],
  ['5 m', /written like/],
  ['5M', /written like/],
  ['999999999h', /at most 366d/],
  ['366d1s', /at most 366d/],
  ['1w', /written like 90s/],
  ['1y', /written like 90s/],
];

for (const [text, expected] of table) {
  test(`parseDuration() ${typeof expected === 'number' ? 'reads' : 'rejects'} "${text}"`, () => {
    const result = parseDuration(text);
    if (typeof expected === 'number') assert.deepEqual(result, { ok: true, value: expected });
    else assert.match(result.ok ? 'accepted' : result.error, expected);
  });
}

const ruled: readonly (readonly [string, DurationRule, number | RegExp])[] = [
  ['30m', ageRule, 1800],
  ['12h', ageRule, 43_200],
  ['90d', ageRule, 90 * 86_400],
  ['8w', ageRule, 56 * 86_400],
  ['2y', ageRule, 730 * 86_400],
  ['999999y', ageRule, 999_999 * 365 * 86_400],
  ['5', ageRule, /no unit; write 30m, 12h, 90d, 8w or 2y/],
  ['0d', ageRule, /at least 1m/],
  ['90s', ageRule, /written like 30m/],
  ['1d2h', ageRule, /written like 30m/],
  ['1.5d', ageRule, /written like 30m/],
  ['59s', { minSeconds: 60 }, /at least 1m/],
  ['60s', { minSeconds: 60 }, 60],
  ['7d', { maxSeconds: 7 * 86_400 }, 7 * 86_400],
  ['169h', { maxSeconds: 7 * 86_400 }, /at most 7d/],
];

for (const [text, rule, expected] of ruled) {
  const verb = typeof expected === 'number' ? 'reads' : 'rejects';
  const ruleName = rule === ageRule ? 'the rule for ages' : JSON.stringify(rule);
  test(`parseDuration() ${verb} "${text}" with ${ruleName}`, () => {
    const result = parseDuration(text, 'age', rule);
    if (typeof expected === 'number') assert.deepEqual(result, { ok: true, value: expected });
    else assert.match(result.ok ? 'accepted' : result.error, expected);
  });
}

test('formatDuration() writes what parseDuration() reads', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 366 * 86400 }), (seconds) => {
      assert.deepEqual(parseDuration(formatDuration(seconds)), { ok: true, value: seconds });
    }),
  );
});
