import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PendingUploads } from './pending-uploads.js';

test('a Gathering has nothing to wait for until something is coming', async () => {
  const gathering = new PendingUploads();
  assert.equal(gathering.drained(), undefined);
  await gathering.track(() => Promise.resolve());
  assert.equal(gathering.drained(), undefined);
});

test('a Gathering waits for all that is coming, also for what fails', async () => {
  const gathering = new PendingUploads();
  const ends: (() => void)[] = [];
  const works = [1, 2].map((n) =>
    gathering.track(async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      if (n === 2) throw new Error('full');
    }),
  );
  let isSettled = false;
  const settled = gathering.drained()?.then(() => (isSettled = true));
  ends[0]?.();
  await works[0];
  await sleep(0);
  assert.equal(isSettled, false);
  ends[1]?.();
  await assert.rejects(works[1] ?? Promise.resolve(), /full/);
  await settled;
  assert.equal(isSettled, true);
});

test('a Gathering does not wait for ever for what does not come', async () => {
  const gathering = new PendingUploads();
  let end = (): void => undefined;
  const work = gathering.track(() => new Promise<void>((resolve) => (end = resolve)));
  await gathering.drained();
  end();
  await work;
});
