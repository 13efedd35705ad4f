import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveSite, startServer } from './soil-server.js';
import { formOf, shellJob } from './upload-form.js';

const jobs = 'results?jobName=dev-minimal&workerHost=github';
const idsOf = (number: number) => ({
  ...{ GITHUB_RUN_NUMBER: String(number), GITHUB_RUN_ID: `9${number}` },
  ...{ GITHUB_REF: 'refs/heads/main', GITHUB_PR_NUMBER: null },
});

test('a run named like a page and a malformed record do not keep the server from starting or writing pages', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const post = async (path: string, body?: FormData): Promise<number> =>
    (
      await fetch(new URL(path, server.url), {
        method: 'POST',
        headers: { Authorization: `Bearer ${server.token}` },
        ...(body !== undefined && { body }),
      })
    ).status;
  for (const name of ['index.html', 'raw.html', 'page-1.html']) {
    assert.equal(await post(`event?eventName=start&workerHost=local&runId=${name}&jobName=a`), 400, name);
    assert.equal(await post(`event?eventName=start&workerHost=sourcehut&jobId=${name}&jobName=a`), 400, name);
  }
  const shapes = await shellJob({ ...idsOf(1), 'expected-jobs': [{ toString: 1 }] });
  assert.equal(await post(jobs, formOf(shapes)), 201, 'what it expects is left out, and its page says so');
  assert.equal(await post(jobs, formOf(await shellJob(idsOf(2)))), 201);
  assert.doesNotMatch(server.log(), /cannot write the pages|TypeError/);
  await server.stop();
  // Another Soil server may have accepted this.
  const run = join(server.site, 'github-jobs', '3');
  await mkdir(run);
  await writeFile(join(run, 'dev-minimal.json'), shapes.json);
  await writeFile(join(run, 'dev-minimal.tsv'), shapes.tsv);
  await rm(join(server.site, 'index.html'));
  const again = await serveSite(server.site);
  assert.match(await (await fetch(new URL('index.html', again.url))).text(), /<\/html>/);
  assert.match(await (await fetch(new URL('github-jobs/3/', again.url))).text(), /expected-jobs/);
  await again.stop();
});

test('a page that cannot be written does not keep other pages from being written, nor the server from starting', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const upload = async (url: string, number: number): Promise<void> => {
    const answer = await fetch(new URL(jobs, url), {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.token}` },
      body: formOf(await shellJob(idsOf(number))),
    });
    assert.equal(answer.status, 201, await answer.text());
  };
  await upload(server.url, 1);
  const inTheWay = join(server.site, 'github-jobs', 'index.html');
  await rm(inTheWay);
  await mkdir(join(inTheWay, 'something'), { recursive: true });
  await upload(server.url, 2);
  const shows = async (path: string, what: RegExp): Promise<void> => {
    assert.match(await readFile(join(server.site, path), 'utf8'), what, path);
  };
  await shows('index.html', /github-jobs\/2\//);
  await shows('github-jobs/raw.html', /2\/dev-minimal/);
  await shows('github-jobs/2/index.html', /dev-minimal/);
  assert.match(server.log(), /cannot write the pages: EISDIR/);
  await server.stop();
  const again = await serveSite(server.site);
  assert.match(again.log(), /cannot write all pages: EISDIR/);
  await upload(again.url, 3);
  await shows('index.html', /github-jobs\/3\//);
  await again.stop();
  // Once the obstacle is removed everything is shown, however the servers in between ended.
  await rm(inTheWay, { recursive: true });
  const third = await serveSite(server.site);
  await shows('github-jobs/index.html', /href="3\//);
  await third.stop();
});

test('stable URLs that could not be written are written after the next start', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const answer = await fetch(new URL(jobs, server.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}` },
    body: formOf(await shellJob(idsOf(1))),
  });
  assert.equal(answer.status, 201, await answer.text());
  await server.stop();
  const [branch = ''] = await readdir(join(server.site, 'branches'));
  const badge = join(server.site, 'branches', branch, 'badge.svg');
  await rm(badge);
  await mkdir(join(badge, 'something'), { recursive: true });
  const second = await serveSite(server.site);
  const later = await fetch(new URL(jobs, second.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}` },
    body: formOf(await shellJob(idsOf(2))),
  });
  assert.equal(later.status, 201, await later.text());
  await second.stop();
  await rm(badge, { recursive: true });
  const third = await serveSite(server.site);
  await third.stop();
  assert.match(await readFile(badge, 'utf8'), /<svg/);
});
