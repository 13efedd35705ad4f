import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gathering } from './gathering.js';

test('a Gathering has nothing to wait for until something is coming', async () => {
  const gathering = new Gathering();
  assert.equal(gathering.settled(), undefined);
  await gathering.join(() => Promise.resolve());
  assert.equal(gathering.settled(), undefined);
});

test('a Gathering waits for all that is coming, also for what fails', async () => {
  const gathering = new Gathering();
  const ends: (() => void)[] = [];
  const works = [1, 2].map((n) =>
    gathering.join(async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      if (n === 2) throw new Error('full');
    }),
  );
  let isSettled = false;
  const settled = gathering.settled()?.then(() => (isSettled = true));
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
  const gathering = new Gathering();
  let end = (): void => undefined;
  const work = gathering.join(() => new Promise<void>((resolve) => (end = resolve)));
  await gathering.settled();
  end();
  await work;
});
