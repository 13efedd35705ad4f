import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planPause } from './backoff.js';

test('planPause() grows by the factor up to the limit', () => {
  const pauses = (backoff: Parameters<typeof planPause>[1]) =>
    [1, 2, 3, 4, 100, 5000].map((failed) => planPause(failed, backoff));
  assert.deepEqual(pauses({ baseSeconds: 1, maxSeconds: 5 }), [1, 2, 4, 5, 5, 5]);
  assert.deepEqual(pauses({ baseSeconds: 2, factor: 1.5, maxSeconds: 15 }), [2, 3, 4.5, 6.75, 15, 15]);
});

test('planPause() spreads a pause by half of it in both directions', () => {
  const backoff = { baseSeconds: 4, maxSeconds: 60 };
  assert.equal(planPause(1, { ...backoff, random: () => 0 }), 2);
  assert.equal(planPause(1, { ...backoff, random: () => 0.5 }), 4);
  assert.equal(planPause(1, { ...backoff, random: () => 1 }), 6);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, random) => {
        const plain = planPause(n, backoff);
        const spread = planPause(n, { ...backoff, random: () => random });
        assert.ok(spread >= plain / 2 && spread <= plain * 1.5 && spread > 0);
      },
    ),
  );
});
