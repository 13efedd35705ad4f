import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { parseRecord } from '../model/record-reader.js';
import { valueOf } from '../model/result.js';
import { must, run, soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { waitForFile } from './wait-for.js';

const soilYml = `project: p
jobs:
  unit:
    image: none
    tasks:
      - { name: greet, run: echo hello }
  broken:
    image: none
    tasks:
      - { name: good, run: 'true' }
      - { name: bad, run: 'for i in 1 2 3; do echo "line $i"; done; exit 7' }
  box: { image: 'debian:12', needs: [unit], tasks-from: ./list.sh }
`;

/** An environment without a CI host, a token or a server. */
const bare = {
  ...{ GITHUB_ACTIONS: undefined, GITHUB_STEP_SUMMARY: undefined, JOB_ID: undefined, JOB_URL: undefined },
  ...{ SOIL_SERVER: undefined, SOIL_TOKEN: undefined, SOIL_RUN: undefined, SOIL_ATTEMPT: undefined },
};

describe('soil-worker on the command line', () => {
  let repo: string;
  before(async () => {
    repo = await makeRepo({ 'soil.yml': soilYml });
  });
  after(() => rm(repo, { recursive: true, force: true }));
  const soil = (args: readonly string[], more: Parameters<typeof worker>[1] = {}): Promise<CommandEnd> =>
    worker(args, { cwd: repo, ...more, env: { ...bare, ...more.env } });

  it('run prints one line for each task and the end of failed logs, and exits with the job’s status', async () => {
    const end = await soil(['run', 'broken', '--run-id', 'r1']);
    assert.equal(end.status, 7, end.stderr);
    const lines = end.stdout.split('\n');
    assert.match(lines[0] ?? '', /^passed +\d+\.\d\d s {2}good$/);
    assert.match(lines[1] ?? '', /^failed +\d+\.\d\d s {2}bad \(status 7\)$/);
    assert.match(
      end.stdout,
      /--- bad: the whole log\n\| line 1\n\| line 2\n\| line 3\nfiles: .*_soil\/broken\n$/,
    );
    assert.doesNotMatch(end.stdout, /\u001b/);
    assert.equal(await readFile(join(repo, '_soil', '.gitignore'), 'utf8'), '*\n');
    assert.equal(await must('git', ['-C', repo, 'status', '--porcelain']), '');
  });

  it('run writes identity and commit to the record', async () => {
    const end = await soil(['run', 'unit'], { env: { SOIL_RUN: 'nightly', SOIL_ATTEMPT: '3' } });
    assert.equal(end.status, 0, end.stderr);
    const record = valueOf(parseRecord(await readFile(join(repo, '_soil', 'unit', 'unit.json'), 'utf8')));
    assert.equal(record.localRun, 'nightly');
    assert.equal(record.attempt, 3);
    assert.equal(record.commit, (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim());
    assert.equal(record.branch, 'main');
    assert.deepEqual(record.expectedJobs, ['unit', 'broken', 'box']);
  });

  it('run writes a table to GitHub’s step summary', async () => {
    const summary = join(repo, '_soil', 'summary.md');
    await soil(['run', 'broken', '--run-id', 'r2'], { env: { GITHUB_STEP_SUMMARY: summary } });
    assert.match(
      await readFile(summary, 'utf8'),
      /### broken: failed[^]*\| failed \| 7 \| [\d.]+ s \| bad \|/,
    );
  });

  it('run --tasks reads four columns from stdin and from a file', async () => {
    const input = '# list\nfirst echo one -\nsecond false - -\n';
    const end = await soil(['run', 'new', '--tasks', '-', '--image', 'none'], { input });
    assert.equal(end.status, 1, end.stderr);
    assert.match(end.stdout, /passed .* first\nfailed .* second/);
    await writeFile(join(repo, '_soil', 'list'), 'only true - -\n');
    const own = await soil(['run', 'broken', '--tasks', '_soil/list']);
    assert.equal(own.status, 0, 'the job of soil.yml, with other tasks');
    assert.match(own.stdout, /passed .* only/);
  });

  const wrongUse: readonly (readonly [string, readonly string[], RegExp, string?])[] = [
    ['no command', [], /Usage: soil-worker/],
    ['an unknown command', ['walk'], /unknown command 'walk'/],
    ['an unknown option', ['run', 'unit', '--fast'], /unknown option '--fast'/],
    [
      'an unknown job',
      ['run', 'none'],
      /cannot run job "none": soil\.yml has no such job; its jobs are unit, broken, box/,
    ],
    ['a bad job name', ['run', '../x'], /cannot accept job "\.\.\/x"/],
    ['an unknown engine', ['run', 'unit', '--engine', 'lxc'], /Allowed choices are podman, docker/],
    ['a bad image', ['run', 'unit', '--image', '-v'], /cannot accept --image "-v"|argument missing/],
    [
      'a task list of five columns',
      ['run', 'unit', '--tasks', '-'],
      /stdin:1: cannot accept task "a b c d e": it has 5 columns/,
      'a b c d e\n',
    ],
    [
      'a list for a job without image',
      ['run', 'other', '--tasks', '-'],
      /use --image IMAGE, or --image none/,
      'a b c -\n',
    ],
    [
      'a config that is not there',
      ['run', 'unit', '--config', 'x.yml'],
      /cannot read "x\.yml": no such file or directory/,
    ],
    ['a bad run', ['run', 'unit', '--run-id', 'a/b'], /cannot accept --run-id "a\/b"/],
    [
      'publishing without a server',
      ['run', 'unit', '--publish'],
      /no server given: pass --server or set SOIL_SERVER/,
    ],
    [
      'a server with a password',
      ['run', 'unit', '--publish', '--server', 'http://a:b@h/'],
      /it contains a credential/,
    ],
    [
      'publishing what has not run',
      ['publish', 'box', '--server', 'http://127.0.0.1:9'],
      /Run the job first: soil-worker run box/,
    ],
    [
      'a merge without a remote',
      ['maybe-merge', '--run-id', 'r', '--server', 'http://127.0.0.1:9', '--to', 'main'],
      /pass either --remote URL or --github OWNER\/NAME/,
    ],
    [
      'a merge without a run',
      ['maybe-merge', '--remote', '.', '--server', 'http://127.0.0.1:9'],
      /no run given: pass --run-id/,
    ],
    [
      'a merge without a server',
      ['maybe-merge', '--remote', '.', '--run-id', 'r'],
      /^no server given: pass --server or set SOIL_SERVER\n$/,
    ],
    ['waiting without a server', ['wait', 'job', 'unit', '--run-id', 'r'], /^no server given: pass --server/],
    ['getting without a server', ['artifact', 'get', 'x'], /^no server given: pass --server/],
    [
      'a merge with a bad age',
      ['maybe-merge', '--max-age', '5', '--server', 'http://127.0.0.1:9'],
      /cannot accept --max-age "5": it has no unit/,
    ],
  ];
  for (const [what, args, message, input] of wrongUse) {
    it(`exits with 2 and a reason: ${what}`, async () => {
      const end = await soil(args, input === undefined ? {} : { input });
      assert.equal(end.status, 2, end.stdout + end.stderr);
      assert.match(end.stderr, message);
    });
  }

  for (const [what, github, message] of [
    [
      'of a fork, also where SOIL_RUN names the run',
      { GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_REF: 'refs/heads/main', SOIL_RUN: 'r' },
      'nothing to do for event "pull_request_target"',
    ],
    [
      'that is a tag',
      { GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/tags/v1' },
      'nothing to do for "refs/tags/v1": only branches are merged',
    ],
  ] as const) {
    it(`maybe-merge on GitHub does nothing for a commit ${what}`, async () => {
      const where = ['--server', 'http://127.0.0.1:9', '--remote', '.', '--to', 'main'];
      const env = { GITHUB_ACTIONS: 'true', GITHUB_RUN_NUMBER: '1', GITHUB_RUN_ID: '2', ...github };
      const end = await soil(['maybe-merge', ...where], { env });
      assert.deepEqual([end.status, end.stdout, end.stderr], [0, `${message}\n`, '']);
      const json = await soil(['maybe-merge', '--json', ...where], { env });
      assert.deepEqual(JSON.parse(json.stdout), { status: 0, message });
    });
  }

  it('maybe-merge --host ignores an empty SOIL_ATTEMPT', async () => {
    const run = ['--host', 'local', '--run-id', 'r', '--remote', '.', '--to', 'gone', '--branch', 'topic'];
    const end = await soil(['maybe-merge', '--server', 'http://127.0.0.1:9', ...run], {
      env: { SOIL_ATTEMPT: '' },
    });
    assert.match(end.stderr, /^cannot merge: .* has no branch "gone"\n$/);
  });

  it('maybe-merge accepts a branch by its ref, as CI hosts provide it', async () => {
    const where = ['--server', 'http://127.0.0.1:9', '--run-id', 'r', '--remote', '.'];
    const end = await soil([
      'maybe-merge',
      ...where,
      '--to',
      'refs/heads/gone',
      '--branch',
      'refs/heads/topic',
    ]);
    assert.match(end.stderr, /^cannot merge: .* has no branch "gone"\n$/);
  });

  it('maybe-merge reports a missing remote with git’s reason, without git’s advice', async () => {
    const where = ['--server', 'http://127.0.0.1:9', '--run-id', 'r', '--to', 'main', '--branch', 'topic'];
    const end = await soil(['maybe-merge', ...where, '--remote', 'nowhere']);
    assert.equal(end.status, 3);
    assert.match(
      end.stderr,
      /^cannot read refs\/heads\/main of "nowhere": .*does not appear to be a git repo/,
    );
  });

  it('run reports every error of an invalid soil.yml with its line', async () => {
    await writeFile(
      join(repo, '_soil', 'bad.yml'),
      'project: p\njobs:\n  a: { image: x y, timeout: 5, tasks: [] }\n',
    );
    const end = await soil(['list-jobs', '--config', '_soil/bad.yml']);
    assert.equal(end.status, 2);
    assert.deepEqual(
      end.stderr.match(/^_soil\/bad\.yml:3:\d+: cannot accept \w+/gm)?.map((line) => line.split(' ').at(-1)),
      ['image', 'timeout', 'tasks'],
    );
  });

  it('list-jobs prints names, or JSON', async () => {
    assert.equal((await soil(['list-jobs'])).stdout, 'unit\nbroken\nbox\n');
    const json: unknown = JSON.parse((await soil(['list-jobs', '--json'])).stdout);
    assert.deepEqual(json, [
      { name: 'unit', image: 'none', needs: [] },
      { name: 'broken', image: 'none', needs: [] },
      { name: 'box', image: 'debian:12', needs: ['unit'] },
    ]);
  });

  it('did-all-succeed reads the TSVs and fails if one is missing', async () => {
    await soil(['run', 'unit']);
    await soil(['run', 'broken']);
    assert.equal((await soil(['did-all-succeed', '_soil/unit/unit.tsv'])).status, 0);
    const end = await soil(['did-all-succeed', '_soil/unit/unit.tsv', '_soil/broken/broken.tsv', 'none.tsv']);
    assert.equal(end.status, 1);
    assert.match(
      end.stderr,
      /broken\.tsv: task "bad": failed, status 7\nnone\.tsv: cannot read the file: .*\nnot all succeeded: 2 of 3/,
    );
  });

  it('archive and extract restore the same folder', async () => {
    const folder = join(repo, '_soil', 'report');
    await mkdir(join(folder, 'sub'), { recursive: true });
    await writeFile(join(folder, 'sub', 'a.txt'), 'a\n');
    assert.equal((await soil(['archive', '_soil/report', '-o', '_soil/r.wwz'])).status, 0);
    const end = await soil(['extract', '_soil/r.wwz', '_soil/back']);
    assert.equal(end.status, 0, end.stderr);
    assert.equal(await readFile(join(repo, '_soil', 'back', 'sub', 'a.txt'), 'utf8'), 'a\n');
  });

  it('--out with a folder of other files is refused and left unchanged', async () => {
    const sources = join(repo, '_soil', 'mine', 'unit');
    await mkdir(sources, { recursive: true });
    await writeFile(join(sources, 'main.c'), 'int x;\n');
    const end = await soil(['run', 'unit', '--out', '_soil/mine']);
    assert.equal(end.status, 2);
    assert.match(end.stderr, /cannot use folder ".*": it contains "main\.c", which is not a file of Soil/);
    assert.deepEqual(await readdir(sources), ['main.c']);
  });

  it('reads a token only from a private file, and never prints it', async () => {
    const file = join(repo, '_soil', 'token');
    await writeFile(file, 'soil_static_x_secretsecret\n', { mode: 0o644 });
    const publish = ['publish', 'unit', '--server', 'http://127.0.0.1:9', '--token-file', '_soil/token'];
    const open = await soil(publish);
    assert.equal(open.status, 2);
    assert.match(
      open.stderr,
      /cannot read token file "_soil\/token": other users can read it; run: chmod 600/,
    );
    await chmod(file, 0o600);
    await writeFile(file, 'two words\n');
    const words = await soil(publish);
    assert.equal(words.status, 2);
    assert.match(words.stderr, /cannot use the token in token file/);
    assert.doesNotMatch(words.stderr, /two words/);
  });

  it('a job continues if the reader of its output ends', async () => {
    const child = spawn(process.execPath, [soilWorker, 'run', 'unit', '--run-id', 'pipe'], {
      cwd: repo,
      env: { ...process.env, ...bare },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    child.stdout.destroy();
    child.stderr.destroy();
    const [status] = (await once(child, 'exit')) as [number | null];
    assert.equal(status, 0);
  });
});

test('a second signal ends the worker immediately', async (t) => {
  const yaml = `project: p\njobs:\n  slow:\n    image: none\n    grace: 10m\n    tasks:\n      - name: long\n        run: trap "echo term >got" TERM; echo $$ >pid; while :; do sleep 0.1; done\n`;
  const repo = await makeRepo({ 'soil.yml': yaml });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const child = spawn(process.execPath, [soilWorker, 'run', 'slow'], {
    ...{ cwd: repo, env: { ...process.env, ...bare }, stdio: 'ignore', timeout: 60_000 },
  });
  const exit = once(child, 'exit');
  await waitForFile(join(repo, 'pid'));
  child.kill('SIGTERM');
  await waitForFile(join(repo, 'got'));
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [130, null]);
  // The worker did not wait for the task: end it here if it still runs.
  await run('kill', ['-9', (await readFile(join(repo, 'pid'), 'utf8')).trim()]);
});

test('a signal ends a waiting maybe-merge without moving the target', async (t) => {
  const repo = await makeRepo({
    'soil.yml':
      'project: p\njobs: {unit: {image: none, tasks: [{name: a, run: x}]}}\nmerge: {from: main, to: stable, require: all}\n',
  });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const git = (...args: string[]) => must('git', ['-C', repo, ...args]);
  await git('branch', 'stable');
  const before = await git('rev-parse', 'stable');
  await git('commit', '-q', '--allow-empty', '-m', 'more');
  // No server listens on port 9.
  const candidate = (await git('rev-parse', 'HEAD')).trim();
  const words = ['maybe-merge', '--server', 'http://127.0.0.1:9/', '--remote', '.', '--run-id', 'r'];
  const which = ['--commit', candidate, '--branch', 'main'];
  const child = spawn(process.execPath, [soilWorker, ...words, ...which, '--wait', '1h'], {
    ...{ cwd: repo, env: { ...process.env, ...bare }, timeout: 60_000, killSignal: 'SIGKILL' },
  });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await new Promise<void>((resolve) => {
    child.once('exit', resolve);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('waiting for unit')) resolve();
    });
  });
  const exit = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [130, null], stdout);
  assert.equal(stderr, 'not merged: cancelled; stable is unchanged\n');
  assert.equal(await git('rev-parse', 'stable'), before);
});

test('if publishing fails, run keeps the files, prints how to publish later, and fails', async (t) => {
  const refusing = createServer((request, response) => {
    request.resume().on('end', () => {
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end('{"error":"cannot accept the token: revoked"}');
    });
  });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    refusing.closeAllConnections();
    refusing.close();
  });
  const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}/`;
  const repo = await makeRepo({ 'soil.yml': soilYml });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const env = { ...bare, SOIL_TOKEN: 'soil_static_x_verysecret' };
  const green = await worker(['run', 'unit', '--publish', '--server', url], { cwd: repo, env });
  assert.equal(green.status, 1);
  assert.match(green.stderr, /notice: cannot send event start: status 403: cannot accept the token: revoked/);
  assert.match(
    green.stderr,
    /cannot publish job "unit" to http:.*: status 403: cannot accept the token: revoked/,
  );
  assert.match(green.stderr, new RegExp(`to publish them later: soil-worker publish unit --server ${url}\n`));
  assert.doesNotMatch(green.stdout + green.stderr, /verysecret/);
  assert.ok((await stat(join(repo, '_soil', 'unit', 'unit.wwz'))).size > 0);
  const red = await worker(['run', 'broken', '--publish', '--server', url], { cwd: repo, env });
  assert.equal(red.status, 7, 'exits with the job’s status');
});

test('without git or soil.yml, run prints a reason and no stack trace', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-none-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const end = await worker(['run', 'unit'], { cwd: folder, env: bare });
  assert.equal(end.status, 2);
  assert.match(
    end.stderr,
    /^cannot read ".*soil\.yml": no such file or directory\. Use --config FILE, or --image and --tasks FILE\n$/,
  );
});
