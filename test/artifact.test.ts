import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { startFaultyProxy, unavailable, type ConnectionFault } from './faulty-proxy.js';
import { must, soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';

const bare = {
  ...{ GITHUB_ACTIONS: undefined, JOB_ID: undefined, JOB_URL: undefined, SOIL_RUN: undefined },
  ...{ SOIL_ATTEMPT: undefined, GIT_REF: undefined },
};
const yaml = `project: p
jobs:
  good: { image: none, tasks: [{ name: a, run: 'true' }] }
  bad: { image: none, tasks: [{ name: a, run: 'exit 3' }] }
`;

describe('artifacts by commit', () => {
  let server: RunningServer;
  let repo: string;
  let commit: string;
  before(async () => {
    server = await startServer();
    repo = await makeRepo({ 'soil.yml': yaml });
    commit = (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim();
    await writeFile(join(repo, 'program.tar'), 'größer\n'.repeat(50_000));
    await writeFile(join(repo, 'empty'), '');
  });
  after(async () => {
    await server.close();
    await rm(repo, { recursive: true, force: true });
  });
  const soil = (args: readonly string[], env: Record<string, string | undefined> = {}): Promise<CommandEnd> =>
    worker(args, { cwd: repo, env: { ...bare, SOIL_TOKEN: server.token, SOIL_SERVER: server.url, ...env } });
  /** A new empty folder, in which anything that a failed command leaves would show. */
  const emptyFolder = async (t: TestContext): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'soil-get-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    return folder;
  };
  const network = async (t: TestContext, faultOf: (connection: number) => ConnectionFault) => {
    const opened = await startFaultyProxy(() => server.url, faultOf);
    t.after(() => opened.close());
    return opened;
  };
  const sha256 = async (file: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex');

  it('get returns the bytes that put sent, with their SHA-256, also for an empty file and a name with folders', async (t) => {
    const put = await soil(['artifact', 'put', 'program.tar', 'empty']);
    assert.equal(put.status, 0, put.stderr);
    assert.equal(
      put.stdout,
      ['program.tar', 'empty'].map((n) => `${server.url}local-jobs/commits/${commit}/${n}\n`).join(''),
    );
    const named = await soil(['artifact', 'put', 'program.tar', '--name', 'docs/Größe 1.tar', '--json']);
    assert.equal(named.status, 0, named.stderr);
    const output = JSON.parse(named.stdout) as {
      published: { sha256: string; bytes: number; isNew: boolean }[];
    };
    const digest = await sha256(join(repo, 'program.tar'));
    assert.deepEqual(
      output.published.map((p) => [p.sha256, p.bytes, p.isNew]),
      [[digest, 450_000, true]],
    );
    const folder = await emptyFolder(t);
    for (const name of ['program.tar', 'empty', 'docs/Größe 1.tar']) {
      const target = join(folder, 'got');
      const got = await soil(['artifact', 'get', name, '-o', target]);
      assert.equal(got.status, 0, got.stderr);
      assert.equal(
        await sha256(target),
        await sha256(join(repo, name === 'empty' ? 'empty' : 'program.tar')),
      );
      assert.match(got.stdout, /: \d+ bytes, sha256 [0-9a-f]{64}\n$/);
      assert.equal(got.stderr, '', 'checked against the digest from the server');
      assert.deepEqual(await readdir(folder), ['got']);
    }
  });

  it('put accepts the same bytes again and says so; other bytes are refused with an explained 409', async () => {
    const again = await soil(['artifact', 'put', 'program.tar']);
    assert.equal(again.status, 0);
    assert.match(again.stderr, /notice: program\.tar is already published with the same bytes/);
    const other = await soil(['artifact', 'put', 'empty', '--name', 'program.tar']);
    assert.equal(other.status, 3);
    assert.match(
      other.stderr,
      /cannot publish artifact "program\.tar": status 409: .*a different file is stored there.*\. A published artifact never changes/,
    );
    assert.equal(
      await sha256(join(server.site, 'local-jobs', 'commits', commit, 'program.tar')),
      await sha256(join(repo, 'program.tar')),
    );
  });

  it('put of bytes that changed on the way is refused, and the server keeps nothing', async () => {
    const response = await fetch(new URL(`artifacts/local/${commit}/changed`, server.url), {
      method: 'PUT',
      headers: {
        Authorization: `Bearer ${server.token}`,
        'Repr-Digest': `sha-256=:${createHash('sha256').update('sent').digest('base64')}:`,
      },
      body: 'came',
    });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /its SHA-256 is [0-9a-f]{64}, but Repr-Digest has [0-9a-f]{64}/);
    const folder = join(server.site, 'local-jobs', 'commits', commit);
    assert.ok(!(await readdir(folder)).includes('changed'));
  });

  it('a client that asks gets the SHA-256 of a file, also for a range; other clients and gzip do not', async () => {
    const url = new URL(`local-jobs/commits/${commit}/program.tar`, server.url);
    const ask = async (headers: Record<string, string>): Promise<string | null> => {
      const response = await fetch(url, { headers: { 'Accept-Encoding': 'identity', ...headers } });
      await response.arrayBuffer();
      return response.headers.get('repr-digest');
    };
    const want = { 'Want-Repr-Digest': 'sha-256=10' };
    const digest = Buffer.from(await sha256(join(repo, 'program.tar')), 'hex').toString('base64');
    assert.equal(await ask(want), `sha-256=:${digest}:`);
    assert.equal(await ask({ ...want, Range: 'bytes=5-9' }), `sha-256=:${digest}:`);
    assert.equal(await ask({}), null);
    const page = await fetch(new URL('web/style.css', server.url), { headers: want });
    assert.equal(page.headers.get('content-encoding'), 'gzip');
    assert.equal(page.headers.get('repr-digest'), null);
  });

  it('GET /token lists what a token allows, and answers 401 without a valid one', async () => {
    const url = new URL('token', server.url);
    const response = await fetch(url, { headers: { Authorization: `Bearer ${server.token}` } });
    assert.deepEqual(await response.json(), {
      id: 'test',
      actions: ['append', 'event', 'status'],
      jobs: '*',
    });
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
  });

  it('get and wait write no file for a missing artifact, and exit with 1 at the limit', async (t) => {
    const folder = await emptyFolder(t);
    for (const args of [
      ['artifact', 'get', 'none.tar'],
      ['wait', 'artifact', 'none.tar', '--limit', '2s'],
    ]) {
      const end = await soil([...args, '-o', join(folder, 'none.tar')]);
      assert.equal(end.status, 1, end.stderr);
      assert.match(
        end.stderr,
        /cannot get "none\.tar" of commit [0-9a-f]{40}(?: within 2s)?: no such file \(404\)/,
      );
      assert.deepEqual(await readdir(folder), []);
    }
    const json = await soil(['artifact', 'get', 'none.tar', '--json', '-o', join(folder, 'x')]);
    assert.equal((JSON.parse(json.stdout) as { outcome: string }).outcome, 'limit');
  });

  it('wait artifact downloads an artifact that is published while it waits', async (t) => {
    const folder = await emptyFolder(t);
    await writeFile(join(folder, 'late'), 'late\n');
    let requests = 0;
    const seen = await network(t, () => {
      requests++;
      return { kind: 'pass' };
    });
    const waiting = soil(['wait', 'artifact', 'late', '--limit', '60s', '-o', join(folder, 'got')], {
      SOIL_SERVER: seen.url,
    });
    for (let i = 0; i < 600 && requests < 2; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(requests >= 2, 'it was requested before it existed');
    assert.equal((await soil(['artifact', 'put', join(folder, 'late')])).status, 0);
    const end = await waiting;
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stderr, /waiting at most 1m for http:.*\/late: no such file \(404\)/);
    assert.equal(await readFile(join(folder, 'got'), 'utf8'), 'late\n');
  });

  const passing: readonly (readonly [string, ConnectionFault])[] = [
    ['a connection that is dropped', { kind: 'drop' }],
    ['a server that answers 503', unavailable],
    ['an answer that ends halfway', { kind: 'cut-answer', bytes: 100_000 }],
    ['a byte that is another', { kind: 'corrupt' }],
  ];
  for (const [what, fault] of passing) {
    it(`wait artifact retries after ${what}; get does not, and leaves nothing`, async (t) => {
      const name = fault.kind === 'corrupt' ? 'small' : 'program.tar';
      await writeFile(join(repo, 'small'), 'small\n');
      await soil(['artifact', 'put', 'small']);
      const folder = await emptyFolder(t);
      const target = join(folder, 'got');
      const bad = await network(t, () => fault);
      const once = await soil(['artifact', 'get', name, '-o', target], { SOIL_SERVER: bad.url });
      assert.equal(once.status, 1, once.stderr);
      assert.deepEqual(await readdir(folder), []);
      const faulty = await network(t, (n) => (n <= 2 ? fault : { kind: 'pass' }));
      const end = await soil(['wait', 'artifact', name, '-o', target, '--limit', '60s'], {
        SOIL_SERVER: faulty.url,
      });
      assert.equal(end.status, 0, end.stderr);
      assert.equal(await sha256(target), await sha256(join(repo, name)));
      assert.deepEqual(await readdir(folder), ['got']);
    });
  }

  const refusing: readonly (readonly [string, string, RegExp])[] = [
    [
      'a server that refuses the token',
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
      /answered 403/,
    ],
    [
      'a portal’s page in place of the file',
      'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nlog in',
      /an HTML page instead of the file/,
    ],
    [
      'a redirect',
      'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n',
      /redirects are not followed/,
    ],
  ];
  for (const [what, text, reason] of refusing) {
    it(`wait artifact gives up immediately on ${what}: exit 3, and nothing is left`, async (t) => {
      const folder = await emptyFolder(t);
      const bad = await network(t, () => ({ kind: 'answer', text }));
      const end = await soil(['wait', 'artifact', 'program.tar', '-o', join(folder, 'got')], {
        SOIL_SERVER: bad.url,
      });
      assert.equal(end.status, 3, end.stderr);
      assert.match(end.stderr, reason);
      assert.equal(bad.connections(), 1);
      assert.deepEqual(await readdir(folder), []);
    });
  }

  it('put retries when the connection is cut', async (t) => {
    const bad = await network(t, (n) =>
      n === 1 ? { kind: 'cut-request', bytes: 50_000 } : { kind: 'pass' },
    );
    await writeFile(join(repo, 'cut.tar'), 'x'.repeat(300_000));
    const end = await soil(['artifact', 'put', 'cut.tar'], { SOIL_SERVER: bad.url });
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stderr, /retrying in/);
    const kept = await readFile(join(server.site, 'local-jobs', 'commits', commit, 'cut.tar'));
    assert.equal(kept.length, 300_000);
  });

  it('wrong use exits with 2 and sends no request', async (t) => {
    const folder = await emptyFolder(t);
    await mkdir(join(folder, 'folder'));
    for (const [args, reason] of [
      [['artifact', 'get', '../x'], /cannot accept artifact "\.\.\/x"/],
      [['artifact', 'get', 'x', '-o', join(folder, 'folder')], /is a directory; pass a file with --output/],
      [['artifact', 'get', 'x', '-o', join(folder, 'no', 'x')], /its folder does not exist/],
      [['artifact', 'put', 'nothing'], /cannot publish "nothing": no such file or directory/],
      [['artifact', 'put', 'empty', 'program.tar', '--name', 'x'], /needs exactly one file, not 2/],
      [['artifact', 'get', 'x', '--commit', 'no-such'], /no such commit in this repo/],
      [['wait', 'artifact', 'x', '--limit', '5'], /cannot accept --limit "5": it has no unit/],
      [['wait', 'job', '../x'], /cannot accept job/],
    ] as const) {
      const end = await soil(args, { SOIL_SERVER: 'http://127.0.0.1:9/' });
      assert.equal(end.status, 2, end.stderr);
      assert.match(end.stderr, reason);
    }
  });

  it('wait job exits with 0 for green, 1 for not green or the limit, 0 with --ended, 3 when refused', async (t) => {
    const env = { SOIL_RUN: 'waited' };
    const wait = (...args: string[]): Promise<CommandEnd> => soil(['wait', 'job', ...args], env);
    const early = await wait('good', '--limit', '1s');
    assert.equal(early.status, 1);
    assert.match(early.stderr, /job "good" did not finish within 1s: it has not reported/);
    const once = await soil(['artifact', 'get', 'none.tar'], env);
    assert.equal(once.status, 1);
    assert.match(once.stderr, /^cannot get "none\.tar" of commit [0-9a-f]+: no such file \(404\)$/m);
    assert.doesNotMatch(early.stderr, /notice/);
    const slip = await wait('goood', '--limit', '0s');
    assert.match(slip.stderr, /^notice: soil\.yml has no job "goood" \(did you mean good\?\); its jobs are /);
    assert.match(
      (await soil(['wait', 'artifact', 'x', '--job', 'goood', '--limit', '0s'], env)).stderr,
      /^notice: soil\.yml has no job "goood" \(did you mean good\?\)/,
    );
    const waiting = wait('good', '--limit', '60s', '--json');
    assert.equal((await soil(['run', 'good', '--publish'], env)).status, 0);
    const good = await waiting;
    assert.equal(good.status, 0, good.stderr);
    const output = JSON.parse(good.stdout) as Record<string, unknown>;
    assert.deepEqual(
      [output.job, output.run, output.outcome, output.result],
      ['good', 'waited', 'found', 'passed'],
    );
    assert.equal((await soil(['run', 'bad', '--publish'], env)).status, 3);
    const bad = await wait('bad');
    assert.equal(bad.status, 1);
    assert.match(bad.stderr, /job "bad" did not pass: failed with exit status 3/);
    assert.equal((await wait('bad', '--ended')).status, 0);
    const attempt = await wait('good', '--attempt', '2', '--limit', '0s');
    assert.match(attempt.stderr, /has reported for attempt 1 only; this is attempt 2/);
    const closed = await network(t, () => ({
      kind: 'answer',
      text: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n',
    }));
    const refused = await soil(['wait', 'job', 'good'], { ...env, SOIL_SERVER: closed.url });
    assert.equal(refused.status, 3, refused.stderr);
  });

  it('wait job exits with 1 as soon as the job fails', async () => {
    const env = { SOIL_RUN: 'failing' };
    const waiting = soil(['wait', 'job', 'bad', '--limit', '1h'], env);
    assert.equal((await soil(['run', 'bad', '--publish'], env)).status, 3);
    const end = await waiting;
    assert.equal(end.status, 1);
    assert.match(end.stderr, /job "bad" did not pass: failed with exit status 3/);
  });

  it('wait artifact --job waits while the job runs, and exits with 1 once it ends without the file', async (t) => {
    const folder = await emptyFolder(t);
    const env = { SOIL_RUN: 'maker' };
    const wait = (name: string, ...more: string[]) =>
      soil(['wait', 'artifact', name, '--job', 'bad', '-o', join(folder, 'got'), ...more], env);
    const early = await wait('never', '--limit', '1s');
    assert.match(early.stderr, /within 1s: no such file \(404\)/, 'no event of the job has arrived');
    const waiting = wait('never', '--limit', '1h');
    assert.equal((await soil(['run', 'bad', '--publish'], env)).status, 3);
    const end = await waiting;
    assert.equal(end.status, 1);
    assert.match(end.stderr, /no such file \(404\), and job "bad" ended as failed with exit status 3\n$/);
    assert.deepEqual(await readdir(folder), []);
    const json = await wait('never', '--json');
    assert.equal((JSON.parse(json.stdout) as { outcome: string }).outcome, 'impossible');
    const later = await wait('never', '--attempt', '2', '--limit', '1s');
    assert.match(later.stderr, /within 1s/, 'the job of another attempt may still produce it');
    assert.equal(
      (await wait('program.tar')).status,
      0,
      'a published file is available however the job ended',
    );
  });

  it('SIGINT while waiting exits with 130 and leaves nothing', async (t) => {
    const folder = await emptyFolder(t);
    const slow = await network(t, () => ({ kind: 'slow', bytes: 100 }));
    const args = ['artifact', 'get', 'program.tar', '-o', join(folder, 'got')];
    const child = spawn(process.execPath, [soilWorker, ...args], {
      ...{ cwd: repo, stdio: 'ignore', timeout: 120_000, killSignal: 'SIGKILL' },
      env: { ...process.env, ...bare, SOIL_SERVER: slow.url },
    });
    const ended = once(child, 'exit');
    for (let i = 0; i < 3000 && (await readdir(folder)).length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.match(
      (await readdir(folder)).join(),
      /^\.soil-new-\w+-got$/,
      'the download has begun, under a temporary name',
    );
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
    assert.deepEqual(await readdir(folder), []);
  });
});
