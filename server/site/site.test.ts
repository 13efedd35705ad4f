import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseEvent } from '../../model/event.js';
import { valueOf } from '../../model/result.js';
import { defaultLimits } from '../config/limits.js';
import { Site } from './site.js';

const options = { limits: defaultLimits, now: () => 1000, title: 'Soil' };

async function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'soil-site-'));
}

async function openSite(t: TestContext): Promise<Site> {
  const folder = await makeFolder();
  const site = valueOf(await Site.open(folder, options));
  t.after(async () => {
    await site.close();
    await rm(folder, { recursive: true });
  });
  return site;
}

test('Site has no public collaborators: only its folder, a view and its problems', async (t) => {
  const site = await openSite(t);
  assert.deepEqual(Object.keys(site).sort(), ['folder', 'problems', 'view']);
});

test('Site.open() refuses a site that is already open', async (t) => {
  const site = await openSite(t);
  const second = await Site.open(site.folder, options);
  assert.ok(!second.ok);
});

test('Site.view shows an event after it was recorded, and after the site was closed and opened again', async (t) => {
  const folder = await makeFolder();
  t.after(() => rm(folder, { recursive: true }));
  const fields = { workerHost: 'local', jobName: 'unit', runId: 'r1', eventName: 'start' };
  const outcomes = (site: Site) => site.view.running('local').map(({ outcome }) => outcome);
  let site = valueOf(await Site.open(folder, options));
  await site.refreshPages();
  const { pagesWritten } = await site.recordEvent(valueOf(parseEvent(Object.entries(fields))), {
    id: 'test',
    jobs: '*',
  });
  assert.deepEqual(outcomes(site), ['running']);
  await pagesWritten;
  assert.equal(site.counts().waiting, 0);
  await site.close();
  for (const useSnapshot of [true, false]) {
    site = valueOf(await Site.open(folder, { ...options, useSnapshot }));
    assert.deepEqual(outcomes(site), ['running'], `useSnapshot ${useSnapshot}`);
    await site.close();
  }
});
