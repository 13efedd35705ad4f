import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashSite, noCrashes } from './crash-loop.js';

// `npm run crash` does the same a thousand times.
test('a server that is killed at random moments loses nothing that it acknowledged and leaves no partial file', async () => {
  const counts = noCrashes();
  const isEnough = () => counts.jobs > 40 && counts.events > 10;
  await crashSite({ seed: 3, kills: 40, counts });
  // On a slow machine more servers are killed before they acknowledge anything: then run more of them.
  for (let seed = 4; seed < 12 && !isEnough(); seed++) await crashSite({ seed, kills: 20, counts });
  assert.deepEqual(counts.faults, []);
  assert.ok(isEnough(), JSON.stringify(counts));
});
