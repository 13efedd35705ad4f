import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { after, before, test } from 'node:test';
import { run, soilServer } from './command.js';
import { startServer, waitForPages, type RunningServer } from './soil-server.js';
import { formOf, shellJob, tsvOf } from './upload-form.js';

let server: RunningServer;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server.close();
});

const commitOf = (letter: string): string => letter.repeat(40);

interface Upload {
  readonly run: number;
  readonly commit: string;
  readonly status: number;
  readonly branch?: string;
  readonly job?: string;
  readonly more?: Readonly<Record<string, string>>;
}

async function upload({
  run: number,
  commit,
  status,
  branch = 'main',
  job = 'unit',
  more,
}: Upload): Promise<void> {
  const start = String(1768305600 + number * 1000);
  const bytes = await shellJob(
    {
      ...{ 'job-name': job, 'commit-hash': commit, 'commit-line': `change ${number}` },
      ...{ GITHUB_RUN_NUMBER: String(number), GITHUB_RUN_ID: String(1000 + number) },
      ...{ GITHUB_REF: `refs/heads/${branch}`, 'task-run-start-time': start },
      ...{ 'task-deploy-start-time': String(Number(start) + 60), ...more },
    },
    tsvOf([0, 'lint'], [status, 'test']),
  );
  const answer = await fetch(new URL(`results?jobName=${job}&workerHost=github`, server.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}` },
    body: formOf(bytes),
  });
  assert.ok(answer.ok, await answer.text());
}

const waitForStableUrls = (): Promise<void> => waitForPages(server, server.token);

const get = (path: string): Promise<Response> => fetch(new URL(path, server.url));
const text = async (path: string): Promise<string> => (await get(path)).text();

interface Latest {
  readonly branch: string;
  readonly commit: string;
  readonly outcome: string;
  readonly page: string;
  readonly jobs: readonly { readonly job: string; readonly outcome: string; readonly wwz: string }[];
}
const latest = async (path: string): Promise<Latest> => (await get(path)).json() as Promise<Latest>;

test('latest.json and latest-green.json follow the branch; a failed commit does not change latest-green.json', async () => {
  await upload({ run: 1, commit: commitOf('a'), status: 0 });
  await upload({ run: 2, commit: commitOf('b'), status: 3 });
  await upload({ run: 2, commit: commitOf('b'), status: 0, job: 'docs' });
  await waitForStableUrls();
  const newest = await latest('branches/main/latest.json');
  assert.equal(newest.commit, commitOf('b'));
  assert.equal(newest.outcome, 'failed');
  assert.deepEqual(
    newest.jobs.map(({ job, outcome }) => `${job} ${outcome}`),
    ['docs passed', 'unit failed'],
  );
  assert.equal((await latest('branches/main/latest-green.json')).commit, commitOf('a'));
  for (const link of [newest.page, ...newest.jobs.map(({ wwz }) => wwz)]) {
    assert.equal((await get(posix.join('branches/main', link))).status, 200, link);
  }
});

test('badges show the outcome of a branch, and of each of its jobs, by word and color', async () => {
  await waitForStableUrls();
  const badge = await get('branches/main/badge.svg');
  assert.equal(badge.headers.get('content-type'), 'image/svg+xml');
  assert.ok(badge.headers.get('etag'));
  assert.match(await badge.text(), /<title>main: failed<\/title>/);
  assert.match(await text('branches/main/jobs/docs.svg'), /<title>docs: passed<\/title>/);
  assert.match(await text('branches/main/jobs/unit.svg'), /<title>unit: failed<\/title>/);
});

test('the feed has an entry for a failure and a recovery only', async () => {
  await upload({ run: 3, commit: commitOf('c'), status: 3 });
  await upload({ run: 4, commit: commitOf('d'), status: 0 });
  await upload({ run: 5, commit: commitOf('e'), status: 0 });
  await waitForStableUrls();
  const feed = await text('branches/main/feed.atom');
  const titles = [...feed.matchAll(/<entry>\n<title>([^<]*)</g)].map(([, title]) => title);
  assert.deepEqual(titles, ['main recovered', 'main started failing: unit']);
  assert.match(feed, new RegExp(`tag:soil.invalid,2026:Soil:main:${commitOf('d')}:recovered`));
});

test('history/JOB shows the newest runs, task by task, and the commits since the last green one', async () => {
  await upload({ run: 6, commit: commitOf('f'), status: 3 });
  await upload({ run: 7, commit: commitOf('1'), status: 4 });
  await waitForStableUrls();
  const history = (await (await get('history/unit.json')).json()) as {
    readonly lastGreen: { readonly run: string };
    readonly commitsSince: readonly string[];
    readonly runs: readonly { readonly run: string; readonly outcome: string; readonly tasks: object }[];
  };
  assert.equal(history.lastGreen.run, '5');
  assert.deepEqual(history.commitsSince, [commitOf('1'), commitOf('f')]);
  assert.deepEqual(
    history.runs.map(({ run: name, outcome }) => `${name} ${outcome}`),
    ['7 failed', '6 failed', '5 passed', '4 passed', '3 failed', '2 failed', '1 passed'],
  );
  assert.deepEqual(history.runs[0]?.tasks, {
    lint: { outcome: 'passed', elapsedSeconds: 0.5 },
    test: { outcome: 'failed', elapsedSeconds: 0.5 },
  });
  const page = await text('history/unit.html');
  assert.match(page, /Last green: <a href="\.\.\/github-jobs\/5\/index\.html#job-unit">Run 5<\/a>/);
  assert.match(page, /Commits since/);
});

test('branches with any name have separate files within their folder', async () => {
  const names: readonly (readonly [string, string])[] = [
    ['feature/x', 'feature~2fx'],
    ['feature-2fx', 'feature-2fx'],
    ['größe', 'gr~c3~b6~c3~9fe'],
    ['.hidden', '~2ehidden'],
    ['"><script>alert(1)</script>', '~22~3e~3cscript~3ealert~281~29~3c~2fscript~3e'],
  ];
  for (const [index, [branch]] of names.entries()) {
    await upload({ run: 20 + index, commit: String(2 + index).repeat(40), status: 0, branch });
  }
  await waitForStableUrls();
  for (const [branch, key] of names) {
    assert.equal((await latest(`branches/${key}/latest.json`)).branch, branch);
    const badge = await text(`branches/${key}/badge.svg`);
    assert.doesNotMatch(badge, /<script/);
  }
});

test('a pull request from a branch called main does not change the files of main', async () => {
  await waitForStableUrls();
  const before = await text('branches/main/latest.json');
  const more = { GITHUB_PR_NUMBER: '7', GITHUB_PR_HEAD_REF: 'main' };
  await upload({ run: 90, commit: commitOf('9'), status: 0, more });
  await waitForStableUrls();
  assert.equal(await text('branches/main/latest.json'), before);
});

test('the files after many uploads are the same as those that rebuild writes, and check finds no problems', async () => {
  await waitForStableUrls();
  await server.stop();
  const files = async () => {
    const names = (await readdir(server.site, { recursive: true })).filter((name) =>
      /^(branches|history)\/.*\.\w+$/.test(name),
    );
    return Promise.all(
      names.sort().map(async (name) => [name, await readFile(join(server.site, name), 'utf8')]),
    );
  };
  const before = await files();
  assert.ok(before.length > 20);
  const check = await run(process.execPath, [soilServer, 'check', server.site]);
  assert.equal(check.status, 0, check.stdout);
  await run(process.execPath, [soilServer, 'rebuild', server.site]);
  assert.deepEqual(await files(), before);
});
