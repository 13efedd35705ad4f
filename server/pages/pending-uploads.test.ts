import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PendingUploads } from './pending-uploads.js';

test('drained() returns undefined if no upload is pending', async () => {
  const uploads = new PendingUploads();
  assert.equal(uploads.drained(), undefined);
  await uploads.track(() => Promise.resolve());
  assert.equal(uploads.drained(), undefined);
});

test('drained() waits for every pending upload, also for one that fails', async () => {
  const uploads = new PendingUploads();
  const ends: (() => void)[] = [];
  const works = [1, 2].map((n) =>
    uploads.track(async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      if (n === 2) throw new Error('full');
    }),
  );
  let isSettled = false;
  const settled = uploads.drained()?.then(() => (isSettled = true));
  ends[0]?.();
  await works[0];
  await sleep(0);
  assert.equal(isSettled, false);
  ends[1]?.();
  await assert.rejects(works[1] ?? Promise.resolve(), /full/);
  await settled;
  assert.equal(isSettled, true);
});

test('drained() does not wait forever for an upload', async () => {
  const uploads = new PendingUploads();
  let end = (): void => undefined;
  const work = uploads.track(() => new Promise<void>((resolve) => (end = resolve)));
  await uploads.drained();
  end();
  await work;
});
