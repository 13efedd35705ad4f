import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEvent, type JobEvent } from '../model/event.js';
import { valueOf } from '../model/result.js';
import { defaultLimits } from '../server/config/limits.js';
import { Site } from '../server/site/site.js';

const hour = 3600;
const eventOf = (eventName: string, jobName = 'unit'): JobEvent =>
  valueOf(
    parseEvent(
      Object.entries({
        ...{ eventName, jobName, workerHost: 'local', runId: 'r1' },
        ...(eventName === 'start' && { expectedJobs: 'unit,lint' }),
      }),
    ),
  );

test('jobs without events are marked as lost after a while; a job that sends an event again is not lost', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'soil-lost-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  let time = 1000 * hour;
  const options = { limits: defaultLimits, now: () => time, title: 'Soil' };
  let site = valueOf(await Site.open(root, options));
  await site.refreshPages();
  const page = () => readFile(join(root, 'local-jobs/r1/index.html'), 'utf8');
  const outcomes = async () =>
    [...(await page()).matchAll(/<section class="job (\w+)" id="job-(\w+)"/g)].map(
      ([, outcome = '', job = '']) => `${job} ${outcome}`,
    );
  await (
    await site.recordEvent(eventOf('start'), { id: 'test', jobs: '*' })
  ).pagesWritten;
  assert.deepEqual((await outcomes()).sort(), ['lint expected', 'unit running']);

  time += 0.4 * hour;
  await (
    await site.recordEvent(eventOf('heartbeat'), { id: 'test', jobs: '*' })
  ).pagesWritten;
  time += 0.4 * hour;
  assert.equal((await site.markLostJobs(0.5 * hour)).count, 0, 'the heartbeat keeps the run alive');
  time += 0.2 * hour;
  const marked = await site.markLostJobs(0.5 * hour);
  await marked.pagesWritten;
  assert.equal(marked.count, 2);
  assert.deepEqual((await outcomes()).sort(), ['lint lost', 'unit lost']);
  assert.equal((await site.markLostJobs(0.5 * hour)).count, 0, 'a lost job is not marked again');

  // The log has it: the next start shows the same.
  const before = await page();
  await site.close();
  site = valueOf(await Site.open(root, { ...options, useSnapshot: false }));
  await site.refreshPages();
  assert.equal(await page(), before);

  time += 1;
  await (
    await site.recordEvent(eventOf('task-done'), { id: 'test', jobs: '*' })
  ).pagesWritten;
  assert.deepEqual((await outcomes()).sort(), ['lint lost', 'unit running']);
  await site.close();
});
