import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { must, run, soilServer, type CommandEnd } from './command.js';
import { checkPage } from './html-check.js';
import { serveConfig, startServer, type ServedSite } from './soil-server.js';
import { formOf, shellJob, tsvOf, type JobBytes } from './upload-form.js';

let root: string;
/** Runs 997 to 1002 on main, some with two attempts or two jobs; sourcehut jobs of three commits; local runs. */
let good: string;
let token: string;

const commitOf = (digit: number): string => String(digit).repeat(40);
const start = 1_768_305_600;

async function send(server: { readonly url: string }, host: string, job: JobBytes): Promise<number> {
  const url = new URL(`results?jobName=${job.job}&workerHost=${host}`, server.url);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: formOf(job),
  });
  return answer.status;
}

const githubJob = (number: number, status: number, more: Readonly<Record<string, unknown>> = {}) =>
  shellJob(
    {
      GITHUB_RUN_NUMBER: String(number),
      GITHUB_RUN_ID: String(90_000 + number),
      GITHUB_REF: 'refs/heads/main',
      'commit-hash': commitOf(number % 10),
      'task-run-start-time': String(start + number),
      'task-deploy-start-time': String(start + number + 5),
      ...more,
    },
    tsvOf([status, 'unit']),
  );

const noGithub = { GITHUB_RUN_NUMBER: undefined, GITHUB_RUN_ID: undefined, GITHUB_REF: undefined };
const sourcehutJob = (id: number, name: string, commit: number) =>
  shellJob({ ...noGithub, JOB_ID: String(id), 'job-name': name, 'commit-hash': commitOf(commit) });

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'soil-prune-'));
  good = join(root, 'good');
  const server = await startServer('append,event,status,prune');
  ({ token } = server);
  for (const [number, status] of [
    [997, 1],
    [998, 1],
    [999, 0],
    [1000, 1],
    [1001, 1],
    [1002, 1],
  ] as const) {
    assert.equal(await send(server, 'github', await githubJob(number, status)), 201);
    const second = { 'job-name': 'cpp-small' };
    assert.equal(await send(server, 'github', await githubJob(number, status, second)), 201);
    const done = `event?eventName=done&workerHost=github&runId=${90_000 + number}&jobName=cpp-small&status=${status}&updateStatusApi=1`;
    const headers = { Authorization: `Bearer ${token}` };
    assert.equal((await fetch(new URL(done, server.url), { method: 'POST', headers })).status, 200);
  }
  const again = await githubJob(998, 1, { GITHUB_RUN_ATTEMPT: '2' });
  assert.equal(await send(server, 'github', again), 201);
  // Ids of a commit's jobs on both sides of a power of ten, with two commits interleaved.
  for (const [id, name, commit] of [
    [998, 'alpine', 1],
    [999, 'openbsd', 2],
    [1000, 'debian', 1],
    [1001, 'alpine', 2],
    [1002, 'alpine', 3],
  ] as const) {
    assert.equal(await send(server, 'sourcehut', await sourcehutJob(id, name, commit)), 201);
  }
  for (const number of [998, 1001]) {
    const answer = await fetch(
      new URL(`artifacts/github/${commitOf(number % 10)}/doc/oils.tar`, server.url),
      { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: `tar of ${number}` },
    );
    assert.ok(answer.ok, await answer.text());
  }
  await server.stop();
  await cp(server.site, good, { recursive: true, preserveTimestamps: true });
  await server.close();
});
after(async () => {
  await rm(root, { recursive: true, force: true });
});

async function copyOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(root, 'copy-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const site = join(folder, 'site');
  await cp(good, site, { recursive: true, preserveTimestamps: true });
  return site;
}

async function configOf(site: string, retention: string): Promise<string> {
  const file = join(site, '..', 'soil-server.yml');
  await writeFile(file, `projects: { /: { site: ${site} } }\nretention: ${retention}\n`);
  return file;
}

const command = (...args: readonly string[]): Promise<CommandEnd> =>
  run(process.execPath, [soilServer, ...args]);

async function prune(site: string, retention: string, ...more: readonly string[]): Promise<CommandEnd> {
  return command('prune', site, '--config', await configOf(site, retention), ...more);
}

async function assertNoFindings(site: string): Promise<void> {
  const end = await command('check', site);
  assert.equal(end.status, 0, end.stdout + end.stderr);
}

/** Every file of the site, without the private folder. */
async function filesOf(site: string): Promise<readonly string[]> {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(site.length + 1))
    .filter((path) => !path.startsWith('.soil/'))
    .sort();
}

async function contentOf(site: string): Promise<ReadonlyMap<string, string>> {
  const paths = await filesOf(site);
  return new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, string]> => [
        path,
        await readFile(join(site, path), 'latin1'),
      ]),
    ),
  );
}

const exists = (site: string, path: string): Promise<boolean> =>
  stat(join(site, path)).then(
    () => true,
    () => false,
  );

test('soil-server prune removes run 998 before 1000, with its status, artifacts and commit page', async (t) => {
  const site = await copyOf(t);
  const end = await prune(site, '{ run: { newest: 4 } }');
  assert.equal(end.status, 0, end.stderr);
  assert.match(end.stdout, /removed 2 runs and the wwz files of 0 more/);
  for (const folder of ['997', '998', '998-2']) {
    assert.deepEqual(await readdir(join(site, 'github-jobs', folder)), ['index.html'], folder);
  }
  for (const number of [999, 1000, 1001, 1002]) {
    assert.ok(await exists(site, `github-jobs/${number}/cpp-small.json`), String(number));
    assert.ok(await exists(site, `status-api/github/${90_000 + number}/cpp-small`));
  }
  for (const path of ['status-api/github/90998', `github-jobs/commits/${commitOf(8)}.html`]) {
    assert.ok(!(await exists(site, path)), path);
  }
  assert.ok(
    !(await exists(site, `github-jobs/commits/${commitOf(8)}`)),
    'no empty folder of artifacts is left',
  );
  assert.ok(await exists(site, `github-jobs/commits/${commitOf(1)}/doc/oils.tar`));
  const list = await readFile(join(site, 'github-jobs/index.html'), 'utf8');
  assert.ok(!list.includes('998/') && list.includes('1000/'), 'lists do not link to removed runs');
  const page = checkPage(await readFile(join(site, 'github-jobs/998-2/index.html'), 'utf8'));
  assert.deepEqual(page.faults, []);
  assert.match(
    page.text,
    /This run was removed on \d{4}-.* UTC because it was not among the newest 4 runs on GitHub/,
  );
  assert.match(page.text, /dev-minimal/);
  await assertNoFindings(site);
  const again = await prune(site, '{ run: { newest: 4 } }');
  assert.match(again.stdout, /removed 0 runs/, 'a second prune removes nothing');
});

test('soil-server prune keeps or removes the jobs of a sourcehut commit together', async (t) => {
  const site = await copyOf(t);
  const end = await prune(site, '{ run: { newest: 2 } }');
  assert.equal(end.status, 0, end.stderr);
  const kept = await Promise.all(
    [998, 999, 1000, 1001, 1002].map(async (id) =>
      (await readdir(join(site, 'srht-jobs', String(id)))).some((name) => name.endsWith('.json')),
    ),
  );
  assert.deepEqual(kept, [false, true, false, true, true], 'commits of 1001 and 1002 are the newest two');
  await assertNoFindings(site);
});

test('soil-server prune removes wwz files first; JSON, TSV and pages remain and say so', async (t) => {
  const site = await copyOf(t);
  const end = await prune(site, '{ wwz: { newest: 3 } }');
  assert.equal(end.status, 0, end.stderr);
  assert.ok(await exists(site, 'github-jobs/1000/dev-minimal.wwz'));
  assert.ok(await exists(site, 'github-jobs/999/dev-minimal.wwz'), 'the newest green run is pinned');
  assert.ok(!(await exists(site, 'github-jobs/998/dev-minimal.wwz')));
  assert.ok(await exists(site, 'github-jobs/998/dev-minimal.tsv'));
  const page = checkPage(await readFile(join(site, 'github-jobs/998/index.html'), 'utf8'));
  assert.match(page.text, /removed on \d{4}-\d\d-\d\d .*: not among the newest 3 runs on GitHub/);
  assert.ok(!page.elements.some(({ attributes }) => attributes.get('href')?.includes('.wwz') === true));
  await assertNoFindings(site);
  const before = await contentOf(site);
  assert.equal((await command('rebuild', site)).status, 0);
  assert.deepEqual(await contentOf(site), before, 'rebuild shows what was removed');
  const later = await prune(site, '{ run: { newest: 2 } }');
  assert.equal(later.status, 0, later.stderr);
  const tombstone = await readFile(join(site, 'github-jobs/998/index.html'), 'utf8');
  assert.match(
    tombstone,
    /data-label="Logs and results">\d+ B</,
    'the size of what went before is remembered',
  );
  await assertNoFindings(site);
});

test('soil-server prune keeps pinned, merged, newest green and first failed runs, and the page of a dry run says why', async (t) => {
  const site = await copyOf(t);
  const pinned = await command('pin', 'github/998-2', '--site', site);
  assert.deepEqual([pinned.status, pinned.stderr], [0, '']);
  const slip = await command('pin', 'github/9998', '--site', site);
  assert.equal(
    slip.stderr,
    'notice: github-jobs/9998 does not exist yet; the pin will apply when it is published\n',
  );
  assert.equal((await command('pin', 'github/9998', '--remove', '--site', site)).stderr, '');
  await mkdir(join(site, 'merges'));
  await writeFile(join(site, 'merges', `${commitOf(7)}.json`), '{}\n');
  const before = await contentOf(site);
  const file = join(site, '..', 'plan.html');
  const dry = await prune(site, '{ run: { newest: 1 } }', '--dry-run', '--page', file);
  assert.equal(dry.status, 0, dry.stderr);
  assert.match(dry.stdout, /^github\/1001: the whole run: not among the newest 1 run on GitHub$/m);
  assert.deepEqual(await contentOf(site), before, 'a dry run changes nothing');
  const html = await readFile(file, 'utf8');
  const page = checkPage(html);
  assert.deepEqual(page.faults, []);
  for (const text of [
    'the newest run on GitHub',
    'the first failure of main, although not among the newest 1 run on GitHub',
    'the newest green run of main, although',
    'pinned by hand, although',
    'its commit was merged, although',
  ]) {
    assert.ok(page.text.includes(text), text);
  }
  assert.match(html, /href="site\/web\/style\.css"/);
  assert.equal((await prune(site, '{ run: { newest: 1 } }')).status, 0);
  const left = await Promise.all(
    [997, 998, 999, 1000, 1001, 1002].map((n) => exists(site, `github-jobs/${n}/dev-minimal.json`)),
  );
  assert.deepEqual(left, [true, true, true, true, false, true]);
  await assertNoFindings(site);
  assert.equal((await command('pin', 'github/998', '--remove', '--site', site)).status, 0);
});

test('soil-server prune updates the files at stable URLs', async (t) => {
  const site = await copyOf(t);
  const keep = 'keep: { green: false, first-failure: false }';
  assert.equal((await prune(site, `{ run: { newest: 1 }, ${keep} }`)).status, 0);
  const files = (await filesOf(site)).filter((path) => path.endsWith('latest-green.json'));
  assert.deepEqual(files, [], 'no green run remains');
  await assertNoFindings(site);
});

const ask = (
  server: ServedSite,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => fetch(new URL(path, server.url), { headers });

test('a server prunes at its start and on request; a removed file is 410, also after the same upload again', async (t) => {
  const site = await copyOf(t);
  const config = await configOf(
    site,
    '{ run: { newest: 3 }, wwz: { newest: 1 }, keep: { first-failure: false } }',
  );
  const server = await serveConfig(config);
  t.after(() => server.stop('SIGKILL'));
  const post = (headers: Readonly<Record<string, string>>) =>
    fetch(new URL('prune', server.url), { method: 'POST', headers });
  assert.equal((await post({})).status, 401);
  const answer = await post({ Authorization: `Bearer ${token}` });
  assert.equal(answer.status, 200);
  assert.deepEqual(
    await answer.json(),
    { runs: 0, wwz: 0, bytes: 0 },
    'the request waited for the prune at the start',
  );

  for (const path of [
    'github-jobs/998/dev-minimal.wwz',
    'github-jobs/998/dev-minimal.wwz/index.html',
    'github-jobs/998/dev-minimal.json',
    'github-jobs/1001/dev-minimal.wwz/',
  ]) {
    const answer = await ask(server, path);
    assert.equal(answer.status, 410, path);
    assert.match(
      await answer.text(),
      /^cannot serve ".*": it was removed on \d{4}-\d\d-\d\d, since its run was not among/,
    );
  }
  const inBrowser = await ask(server, 'github-jobs/998/dev-minimal.wwz/', { Accept: 'text/html' });
  assert.equal(inBrowser.status, 410);
  const { faults, text, elements } = checkPage(await inBrowser.text());
  assert.deepEqual(faults, []);
  assert.match(text, /it was removed on \d{4}-\d\d-\d\d, since its run was not among/);
  const toRun = elements.find((e) => e.name === 'a' && e.attributes.get('href')?.includes('/998/'));
  const runPage = new URL(toRun?.attributes.get('href') ?? '', inBrowser.url).pathname.slice(1);
  assert.match(await (await ask(server, runPage)).text(), /This run was removed/);
  assert.equal((await ask(server, 'github-jobs/998/other.wwz')).status, 404);
  assert.equal((await ask(server, 'github-jobs/998/')).status, 200);

  assert.equal(await send(server, 'github', await githubJob(998, 1)), 200, 'the same record again');
  assert.equal(
    await send(server, 'github', await githubJob(1001, 1)),
    200,
    'the same record, its wwz removed',
  );
  assert.equal(await send(server, 'github', await githubJob(1001, 2)), 409, 'another record');
  const late = await githubJob(998, 1, { 'job-name': 'late' });
  assert.equal(await send(server, 'github', late), 400, 'a job of a run that was removed');
  assert.deepEqual(await readdir(join(site, 'github-jobs/998')), ['index.html'], 'nothing was restored');
  assert.ok(!(await exists(site, 'github-jobs/1001/dev-minimal.wwz')));

  const refused = await prune(site, '{ run: { newest: 1 } }');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /process \d+ holds the lock .*POST \/prune/);
  await server.stop();
  const pruned = await contentOf(site);
  await assertNoFindings(site);
  assert.equal((await command('rebuild', site)).status, 0);
  assert.deepEqual(await contentOf(site), pruned);
});

test('POST /prune refuses a token without the action prune, or for some jobs only', async (t) => {
  const site = await copyOf(t);
  const config = await configOf(site, '{ run: { newest: 3 } }');
  const make = async (...args: readonly string[]) =>
    (await must(process.execPath, [soilServer, 'token', 'create', '--site', site, '--id', 'x', ...args]))
      .trim()
      .split('\n')
      .at(-1);
  const tokens = [await make('--actions', 'append'), await make('--actions', 'prune', '--jobs', 'cpp-*')];
  const server = await serveConfig(config);
  t.after(() => server.stop());
  for (const own of tokens) {
    const headers = { Authorization: `Bearer ${own ?? ''}` };
    const answer = await fetch(new URL('prune', server.url), { method: 'POST', headers });
    assert.equal(answer.status, 403, await answer.text());
  }
  // The first hook after the test removes the site: a server must not write to it then.
  await server.stop();
});

test('uploads and events during a prune succeed, and none is lost', async (t) => {
  const site = await copyOf(t);
  const config = await configOf(site, '{ run: { newest: 2 }, keep: { green: false, first-failure: false } }');
  const server = await serveConfig(config);
  t.after(() => server.stop('SIGKILL'));
  const headers = { Authorization: `Bearer ${token}` };
  const sent: number[] = [];
  const pruning = (async () => {
    for (let turn = 0; turn < 12; turn++) {
      const answer = await fetch(new URL('prune', server.url), { method: 'POST', headers });
      assert.equal(answer.status, 200, await answer.text());
    }
  })();
  for (let number = 1003; number < 1015; number++) {
    assert.equal(await send(server, 'github', await githubJob(number, 1)), 201);
    sent.push(number);
  }
  await pruning;
  assert.equal((await fetch(new URL('prune', server.url), { method: 'POST', headers })).status, 200);
  await server.stop();
  for (const number of sent) {
    const isNewest = number >= 1013;
    assert.equal(await exists(site, `github-jobs/${number}/dev-minimal.json`), isNewest, String(number));
    assert.ok(await exists(site, `github-jobs/${number}/index.html`), 'each leaves a page');
  }
  await assertNoFindings(site);
});

test('after a prune that was killed at any moment, the next start completes what the log says', async (t) => {
  const policy = '{ run: { newest: 1 }, keep: { green: false, first-failure: false } }';
  const clean = await copyOf(t);
  await prune(clean, policy);
  const names = await filesOf(clean);
  let killed = 0;
  // From the moment the removal is in the log, each time a little later.
  for (const milliseconds of [0, 2, 5, 10, 20, 40]) {
    const site = await copyOf(t);
    const config = await configOf(site, policy);
    const log = join(site, '.soil/log');
    const watcher = watch(log);
    const args = [soilServer, 'prune', site, '--config', config];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const ended = once(child, 'exit') as Promise<[number | null]>;
    await Promise.race([once(watcher, 'change'), ended]);
    watcher.close();
    await setTimeout(milliseconds);
    child.kill('SIGKILL');
    if ((await ended)[0] === null) killed++;
    const resumed = await command('prune', site, '--config', config);
    assert.equal(resumed.status, 0, resumed.stderr);
    await assertNoFindings(site);
    assert.deepEqual(await filesOf(site), names, `${milliseconds} ms after`);
  }
  assert.ok(killed > 0, 'at least one kill was during a prune');
});
