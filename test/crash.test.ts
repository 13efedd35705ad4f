import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashSite, noCrashes } from './crash-rig.js';

// `npm run crash` does the same a thousand times.
test('kill -9 at random moments loses nothing that was acknowledged and leaves nothing half-written', async () => {
  const counts = noCrashes();
  await crashSite({ seed: 3, lives: 40, counts });
  assert.deepEqual(counts.faults, []);
  assert.ok(counts.jobs > 5 && counts.events > 0, JSON.stringify(counts));
});
