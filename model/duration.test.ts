import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.js';

const table: readonly (readonly [string, number | RegExp])[] = [
  ['90s', 90],
  ['15m', 900],
  ['1h30m', 5400],
  ['2d', 172800],
  ['0s', 0],
  ['1h1m1s', 3661],
  ['90', /no unit/],
  ['', /written like/],
  ['m', /written like/],
  ['30m1h', /written like/],
  ['1h1h', /written like/],
  ['-5s', /written like/],
  ['1.5h', /written like/],
  ['5 m', /written like/],
  ['5M', /written like/],
  ['999999999h', /longer than 366 days/],
];

for (const [text, expected] of table) {
  test(`parseDuration() of "${text}"`, () => {
    const result = parseDuration(text);
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
