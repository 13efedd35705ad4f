import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenRate } from './token-rate.js';

test('TokenRate accepts a burst, then as many as fill up, of each token by itself', () => {
  const rate = new TokenRate({ perSecond: 2, burst: 3 });
  const take = (token: string, now: number) => rate.take(token, now).ok;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => take('a', 10)),
    [true, true, true, false],
  );
  assert.equal(take('b', 10), true);
  assert.equal(take('a', 10.5), true);
  assert.equal(take('a', 10.5), false);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => take('a', 1000)),
    [true, true, true, false],
  );
  const refused = rate.take('a', 1000);
  assert.ok(!refused.ok);
  assert.equal(refused.error.waitSeconds, 1);
});
