/** Attacks with a token that is limited to jobs `x-*`: what it sends must not change what others see of the site. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { must, run, soilServer } from './command.js';
import { startServer, type RunningServer } from './soil-server.js';
import { formOf, shellJob, tsvOf, type JobBytes } from './upload-form.js';

let server: RunningServer;
let weak: string;
beforeEach(async () => {
  server = await startServer();
  weak = await createToken('weak', 'append,event,status', 'x-*');
});
afterEach(() => server.close());

async function createToken(id: string, actions: string, jobs: string): Promise<string> {
  const args = ['token', 'create', '--site', server.site, '--id', id, '--actions', actions, '--jobs', jobs];
  return (await must(process.execPath, [soilServer, ...args])).trim().split('\n').at(-1) ?? '';
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(path: string, token: string, body?: FormData): Promise<Answer> {
  const answer = await fetch(new URL(path, server.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
  });
  return { status: answer.status, text: await answer.text() };
}

const main = { GITHUB_REF: 'refs/heads/main' };
const commits = { honest: 'a'.repeat(40), other: 'b'.repeat(40) };

type Facts = Readonly<Record<string, unknown>>;

/** Makes a job of a run of GitHub on main. */
const job = (name: string, number: string, runId: string, more: Facts = {}, tsv = tsvOf([0, 'unit'])) =>
  shellJob(
    {
      ...{ ...main, 'job-name': name, 'commit-hash': commits.honest },
      ...{ GITHUB_RUN_NUMBER: number, GITHUB_RUN_ID: runId, 'task-run-start-time': '1700000000' },
      ...more,
    },
    tsv,
  );

async function upload(made: JobBytes, token: string): Promise<Answer> {
  return send(`results?jobName=${made.job}&workerHost=github`, token, formOf(made));
}

async function stored(made: JobBytes, token: string): Promise<void> {
  const { status, text } = await upload(made, token);
  assert.equal(status, 201, text);
}

const failed = tsvOf([1, 'unit']);
const get = async (path: string): Promise<string> => (await fetch(new URL(path, server.url))).text();
const statusOf = async (path: string): Promise<number> => (await fetch(new URL(path, server.url))).status;

const event = (fields: Readonly<Record<string, string>>, token: string): Promise<Answer> =>
  send(`event?${new URLSearchParams({ workerHost: 'github', ...fields }).toString()}`, token);

/** Returns what the pages at these addresses show. Files at stable addresses follow their run within a second. */
async function seen(paths: readonly string[]): Promise<readonly string[]> {
  await wait(1500);
  return Promise.all(paths.map(get));
}

test('W1: green runs with ids near 10^19 do not prune real runs, nor push them off the home page', async () => {
  for (const [number, runId] of [
    ['118', '7001'],
    ['119', '7002'],
    ['120', '7003'],
  ] as const) {
    await stored(
      await job('unit', number, runId, { 'commit-hash': number.repeat(14).slice(0, 40) }),
      server.token,
    );
  }
  for (let i = 0; i < 3; i++) {
    const id = `999999999999999999${i}`;
    const forged = await job('x-1', id, id, { 'commit-hash': commits.other });
    await stored(forged, weak);
  }
  const home = await get('');
  for (const number of ['118', '119', '120']) assert.match(home, new RegExp(`Run ${number}\\b`));
  await server.stop();
  const config = join(server.site, '..', 'soil-server.yml');
  await writeFile(config, `projects:\n  /: { site: ${server.site}, retention: { run: { newest: 3 } } }\n`);
  const plan = await run(process.execPath, [soilServer, 'prune', server.site, '--config', config]);
  assert.equal(plan.status, 0, plan.stderr);
  for (const number of ['118', '119', '120']) {
    const kept = await readFile(join(server.site, 'github-jobs', number, 'unit.json'), 'utf8');
    assert.match(kept, /"unit"/);
  }
});

test('W1: the newest of local runs is the one that arrived last, also for retention', async () => {
  for (const [index, name] of ['0green', '0red1', '0red2', '0red3'].entries()) {
    const made = await shellJob(
      {
        ...{
          'job-name': 'unit',
          SOIL_RUN: name,
          'commit-hash': String(index + 1).repeat(40),
          branch: 'main',
        },
        ...{ GITHUB_RUN_NUMBER: null, GITHUB_RUN_ID: null, schema: 1, host: 'local' },
        ...{ 'task-run-start-time': String(1_700_000_000 - index * 1000) },
      },
      index === 0 ? tsvOf([0, 'unit']) : failed,
    );
    const { status, text } = await send('results?jobName=unit&workerHost=local', server.token, formOf(made));
    assert.equal(status, 201, text);
  }
  const list = await get('local-jobs/');
  assert.ok(list.indexOf('0red3') < list.indexOf('0red2') && list.indexOf('0red1') < list.indexOf('0green'));
  const [text = ''] = await seen(['branches/main/latest.json']);
  const latest = JSON.parse(text) as { readonly commit: string };
  assert.equal(latest.commit, '4'.repeat(40));
});

test('W2: a run id with another number, sent first, does not keep the real run out', async () => {
  await stored(await job('x-1', '500', '7003'), weak);
  await stored(await job('unit', '120', '7003', {}, failed), server.token);
  assert.match(await get('github-jobs/120/'), /class="mark failed"/);
  const done = { eventName: 'done', runId: '7003', jobName: 'unit', status: '1', updateStatusApi: '1' };
  assert.equal((await event(done, server.token)).status, 200);
  assert.match(await get('status-api/github/7003/unit'), /^1 /);
});

test('W2: the same by an event with the number of another run', async () => {
  const start = { eventName: 'start', runId: '7003', runNumber: '500', jobName: 'x-1' };
  assert.equal((await event(start, weak)).status, 200);
  await stored(await job('unit', '120', '7003'), server.token);
  assert.equal(await statusOf('github-jobs/120/unit.json'), 200);
  assert.equal(await statusOf('github-jobs/500/'), 404);
});

test('W3: a run number with another id, sent first, does not move the real run', async () => {
  await stored(await job('x-1', '120', '9999'), weak);
  await stored(await job('unit', '120', '7003'), server.token);
  assert.equal(await statusOf('github-jobs/120/unit.json'), 200);
  assert.equal(await statusOf('github-jobs/120/x-1.json'), 404);
  assert.match(await get('github-jobs/'), /120-by-weak-id9999-token/);
  const own = { eventName: 'done', runId: '9999', jobName: 'x-1', status: '0', updateStatusApi: '1' };
  assert.equal((await event(own, weak)).status, 200, 'the token still writes the status of its own job');
});

const stable = [
  'branches/main/latest.json',
  'branches/main/latest-green.json',
  'branches/main/badge.svg',
  'branches/main/feed.atom',
];

test('W4: a green record ahead of its time is not the newest of a branch', async () => {
  await stored(await job('unit', '120', '7003', {}, failed), server.token);
  const before = await seen(stable);
  const ahead = String(Math.floor(Date.now() / 1000) + 23 * 3600);
  const forged = { 'commit-hash': commits.other, 'task-run-start-time': ahead };
  await stored(await job('x-1', '121', '7004', forged), weak);
  assert.deepEqual(await seen(stable), before);
});

test('W4: of two runs with a full token, the one that arrived last is the newest, whatever its clock says', async () => {
  const ahead = String(Math.floor(Date.now() / 1000) + 40 * 86_400);
  const early = {
    'commit-hash': commits.other,
    'task-run-start-time': ahead,
    'task-deploy-start-time': null,
  };
  await stored(await job('unit', '120', '7003', early), server.token);
  await stored(await job('unit', '121', '7004', {}, failed), server.token);
  const [text = ''] = await seen(['branches/main/latest.json']);
  const latest = JSON.parse(text) as { readonly commit: string };
  assert.equal(latest.commit, commits.honest);
  assert.match(await get('github-jobs/120/'), /the clock of its worker is wrong/);
});

test('W5: a token declares only its own jobs, in a record and in an event', async () => {
  await stored(await job('unit', '120', '7003'), server.token);
  const before = await seen(stable);
  const expected = {
    schema: 1,
    host: 'github',
    outcome: 'passed',
    status: 0,
    tasks: [],
    'expected-jobs': ['ghost-1'],
  };
  await stored(await job('x-1', '120', '7003', expected), weak);
  const declared = { eventName: 'start', runId: '7003', jobName: 'x-2', expectedJobs: 'ghost-2,ghost-3' };
  assert.equal((await event(declared, weak)).status, 200);
  assert.doesNotMatch(await get('github-jobs/120/'), /ghost/);
  const done = await job('x-2', '120', '7003');
  await stored(done, weak);
  const after = await seen(stable);
  assert.deepEqual(after.slice(2), before.slice(2), 'badge and feed');
});

test('W6: a record with another commit, branch, pull request, subject or repository does not change its run', async () => {
  const honest = { 'commit-line': 'honest words', GITHUB_REPOSITORY: 'honest/repo' };
  await stored(await job('unit', '120', '7003', honest), server.token);
  for (const [facts, both] of [
    [{ 'commit-hash': commits.other }, /commit-hash .*bbbb.*: its run has .*aaaa/],
    [{ GITHUB_REF: 'refs/heads/other' }, /branch .*other.*: its run has .*main/],
  ] as const) {
    const refused = await upload(await job('x-1', '120', '7003', facts), weak);
    assert.equal(refused.status, 409, refused.text);
    assert.match(refused.text, both);
    const alsoRefused = await upload(await job('unit2', '120', '7003', facts), server.token);
    assert.equal(alsoRefused.status, 409, 'a full token is refused as well');
  }
  const forged = {
    ...{ GITHUB_PR_NUMBER: '66', 'commit-line': 'forged words', GITHUB_REPOSITORY: 'forged/repo' },
    JOB_URL: 'https://forged.example/forged/repo/actions/runs/7003',
  };
  // Its job sorts before that of the honest record.
  const early = await createToken('early', 'append,event,status', 'a*');
  await stored(await job('a', '120', '7003', forged), early);
  const page = await get('github-jobs/120/');
  assert.match(page, /honest words/);
  assert.doesNotMatch(page, /forged|#66/);
  assert.match(await get('branches/main/latest.json'), /"120"/);
});

test('W7: many newer runs of a commit do not hide the only run of a job', async () => {
  await stored(await job('only', '10', '6000', {}, failed), server.token);
  const wave = await Promise.all(
    Array.from({ length: 120 }, (_, i) => job('x-1', String(200 + i), String(7000 + i))),
  );
  for (const made of wave) await stored(made, weak);
  for (let i = 0; i < 110; i++)
    await stored(await job('other', String(400 + i), String(8000 + i)), server.token);
  const page = await get(`github-jobs/commits/${commits.honest}.html`);
  assert.match(page, />only</);
  assert.match(page, /class="mark failed"/);
});

test('W8: attempt 9999 of a red run does not show it as passed', async () => {
  await stored(await job('unit', '120', '7003', {}, failed), server.token);
  const before = await seen(['github-jobs/', ...stable]);
  await stored(await job('x-1', '120', '7003', { GITHUB_RUN_ATTEMPT: '9999' }), weak);
  const [list = '', ...others] = await seen(['github-jobs/', ...stable]);
  assert.deepEqual(others, before.slice(1));
  assert.match(list, /class="mark failed"/);
  const start = { eventName: 'start', runId: '7003', jobName: 'x-2', attempt: '7' };
  assert.equal((await event(start, weak)).status, 200);
  assert.equal(await statusOf('github-jobs/120-7/'), 404);
});

test('W9: green runs on many branches are not pinned, and make no stable addresses', async () => {
  for (let i = 0; i < 5; i++) {
    const facts = { 'commit-hash': String(i).repeat(40), GITHUB_REF: `refs/heads/fake${i}` };
    await stored(await job('x-1', String(300 + i), String(9000 + i), facts), weak);
  }
  assert.equal(await statusOf('branches/fake1/latest.json'), 404);
  await server.stop();
  const config = join(server.site, '..', 'soil-server.yml');
  await writeFile(config, `projects:\n  /: { site: ${server.site}, retention: { run: { newest: 1 } } }\n`);
  const plan = await run(process.execPath, [
    soilServer,
    'prune',
    server.site,
    '--config',
    config,
    '--dry-run',
  ]);
  assert.match(plan.stdout, /4 of 5 runs would be removed/);
});

test('after a restart without its snapshot, the site shows the same of weak and full tokens', async () => {
  await stored(await job('x-1', '500', '7003'), weak);
  await stored(await job('unit', '120', '7003', {}, failed), server.token);
  await stored(await job('x-2', '120', '7003', { 'commit-line': 'forged words' }), weak);
  await stored(await job('unit', '121', '7004'), server.token);
  await event({ eventName: 'start', runId: '7004', jobName: 'x-3', expectedJobs: 'ghost' }, weak);
  const paths = ['', 'github-jobs/', 'github-jobs/120/', 'github-jobs/121/', 'branches/main/latest.json'];
  const before = await seen(paths);
  await server.stop();
  const rebuilt = await run(process.execPath, [soilServer, 'rebuild', server.site]);
  assert.equal(rebuilt.status, 0, rebuilt.stderr);
  assert.match(rebuilt.stdout, /wrote 0 files/);
  for (const [index, path] of paths.entries()) {
    const file = path === '' || path.endsWith('/') ? `${path}index.html` : path;
    assert.equal(await readFile(join(server.site, file), 'utf8'), before[index], path);
  }
});
