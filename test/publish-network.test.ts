import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { startFaultyProxy, unavailable, type FaultyProxy, type ConnectionFault } from './faulty-proxy.js';
import { run, soilWorker, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { serveSite, startServer, type RunningServer, type ServedSite } from './soil-server.js';

const yaml = `project: p
jobs:
  green:
    image: none
    artifacts: [program.tar]
    tasks:
      - { name: a, run: 'head -c 300000 /dev/urandom >random.bin; seq 60000 >program.tar', results: random.bin }
  red: { image: none, tasks: [{ name: a, run: 'exit 7' }] }
`;
const bare = {
  ...{ GITHUB_ACTIONS: undefined, JOB_ID: undefined, JOB_URL: undefined, SOIL_RUN: undefined },
  ...{ SOIL_ATTEMPT: undefined, GIT_REF: undefined, SOIL_SERVER: undefined },
};
const pass: ConnectionFault = { kind: 'pass' };

describe('run --publish over a bad network', () => {
  let server: RunningServer;
  let repo: string;
  before(async () => {
    server = await startServer();
    repo = await makeRepo({ 'soil.yml': yaml });
  });
  after(async () => {
    await server.close();
    await rm(repo, { recursive: true, force: true });
  });
  let runs = 0;
  const newRun = (): string => `r${++runs}`;
  const soil = (args: readonly string[], token = server.token): Promise<CommandEnd> =>
    worker(args, { cwd: repo, env: { ...bare, SOIL_TOKEN: token } });
  const publish = (job: string, id: string, url: string, ...more: string[]): Promise<CommandEnd> =>
    soil(['run', job, '--publish', '--run-id', id, '--server', url, ...more]);
  const network = async (
    t: TestContext,
    faultOf: (connection: number) => ConnectionFault,
    target: () => string | undefined = () => server.url,
  ): Promise<FaultyProxy> => {
    const opened = await startFaultyProxy(target, faultOf);
    t.after(() => opened.close());
    return opened;
  };
  /** Asserts that the site has exactly the job's files and its status line. */
  const arrived = async (id: string, status: RegExp, job = 'green', site = server.site): Promise<void> => {
    for (const suffix of ['json', 'tsv', 'wwz']) {
      const here = await readFile(join(repo, '_soil', job, `${job}.${suffix}`));
      assert.ok(here.equals(await readFile(join(site, 'local-jobs', id, `${job}.${suffix}`))), suffix);
    }
    assert.match(await readFile(join(site, 'status-api', 'local', id, job), 'utf8'), status);
  };

  const faults: readonly (readonly [string, ConnectionFault])[] = [
    ['connections that are dropped', { kind: 'drop' }],
    ['a proxy that answers 503', unavailable],
    ['uploads that break off', { kind: 'cut-request', bytes: 100_000 }],
    ['answers that are lost, though the server has all', { kind: 'cut-answer', bytes: 20 }],
  ];
  for (const [what, fault] of faults) {
    it(`succeeds after ${what}, with all files byte for byte`, async (t) => {
      // The events of the running job use some of the faults, the results the rest.
      const bad = await network(t, (n) => (n <= 5 ? fault : pass));
      const id = newRun();
      const end = await publish('green', id, bad.url);
      assert.equal(end.status, 0, end.stdout + end.stderr);
      assert.match(end.stderr, /retrying in \d/);
      await arrived(id, /^0 .*outcome=passed/);
      assert.match(end.stdout, new RegExp(`^${bad.url}local-jobs/commits/\\w+/program\\.tar$`, 'm'));
    });
  }

  it('needs no retry on a slow network', async (t) => {
    const bad = await network(t, () => ({ kind: 'slow', bytes: 40_000 }));
    const id = newRun();
    const end = await publish('green', id, bad.url);
    assert.equal(end.status, 0, end.stderr);
    assert.doesNotMatch(end.stderr, /trying again/);
    await arrived(id, /^0 /);
  });

  it('retries after a server that reads everything and never responds', async (t) => {
    const bad = await network(t, (n) => (n <= 2 ? { kind: 'stall' } : pass));
    const id = newRun();
    const end = await publish('red', id, bad.url, '--publish-limit', '10s');
    assert.equal(end.status, 7, end.stderr);
    await arrived(id, /^7 .*outcome=failed/, 'red');
  });

  it('succeeds with a server that is restarted while the job is published', async (t) => {
    const down = await startServer();
    await down.stop();
    const late: { served?: ServedSite } = {};
    t.after(async () => {
      await late.served?.stop();
      await down.close();
    });
    const bad = await network(
      t,
      () => pass,
      () => late.served?.url,
    );
    const running = soil(['run', 'red', '--publish', '--run-id', 'late', '--server', bad.url], down.token);
    for (let i = 0; i < 1200 && bad.connections() < 3; i++) await new Promise((r) => setTimeout(r, 50));
    assert.ok(bad.connections() >= 3, 'some tries failed');
    late.served = await serveSite(down.site);
    const end = await running;
    assert.equal(end.status, 7, end.stderr);
    await arrived('late', /^7 /, 'red', down.site);
  });

  for (const [job, status, why, fault] of [
    ['green', 1, 'no server responds', { kind: 'drop' }],
    ['red', 7, 'no server responds', { kind: 'drop' }],
    ['green', 1, 'every response is 503', unavailable],
  ] as const) {
    it(`${job}, and ${why}: status ${status}, the files are kept, and the printed command publishes them`, async (t) => {
      const id = newRun();
      let isUp = false;
      const bad = await network(t, () => (isUp ? pass : fault));
      const end = await publish(job, id, bad.url, '--publish-limit', '2s');
      assert.equal(end.status, status, end.stderr);
      const [, command = ''] =
        /^the results are stored; to publish them later: (.*)$/m.exec(end.stderr) ?? [];
      assert.match(command, new RegExp(`^soil-worker publish ${job} --server ${bad.url}`));
      isUp = true;
      const script = `soil-worker() { '${process.execPath}' '${soilWorker}' "$@"; }\n${command}`;
      const later = await run('bash', ['-c', script], {
        cwd: repo,
        env: { ...bare, SOIL_TOKEN: server.token },
      });
      assert.equal(later.status, 0, later.stderr);
      await arrived(id, job === 'green' ? /^0 / : /^7 /, job);
    });
  }

  it('the printed command names the server even if it comes from the environment', async (t) => {
    const bad = await network(t, () => ({ kind: 'drop' }));
    const end = await worker(['run', 'green', '--publish', '--publish-limit', '0s'], {
      ...{ cwd: repo, env: { ...bare, SOIL_TOKEN: server.token, SOIL_SERVER: bad.url } },
    });
    assert.equal(end.status, 1);
    assert.match(
      end.stderr,
      new RegExp(`to publish them later: soil-worker publish green --server ${bad.url}$`, 'm'),
    );
  });

  it('a second signal ends an upload without a response; the files are kept, and the next command is printed', async (t) => {
    const bad = await network(t, () => ({ kind: 'stall' }));
    const words = ['run', 'green', '--publish', '--server', bad.url, '--publish-limit', '1h'];
    const child = spawn(process.execPath, [soilWorker, ...words], {
      ...{ cwd: repo, env: { ...process.env, ...bare }, timeout: 120_000, killSignal: 'SIGKILL' },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'close');
    // The first connection has the start event, the second one the results.
    for (let i = 0; i < 1200 && bad.connections() < 2; i++) await new Promise((r) => setTimeout(r, 50));
    assert.match(stdout, /job passed/);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [1, null], stderr);
    assert.match(stderr, /cannot publish job "green" to http.*: cancelled$/m);
    assert.match(stderr, /^the results are stored; to publish them later: soil-worker publish green /m);
  });

  it('one signal ends a command that has nothing to clean up', async (t) => {
    const bad = await network(t, () => ({ kind: 'stall' }));
    const child = spawn(process.execPath, [soilWorker, 'artifact', 'put', 'soil.yml', '--server', bad.url], {
      ...{ cwd: repo, env: { ...process.env, ...bare }, stdio: 'ignore', timeout: 120_000 },
      killSignal: 'SIGKILL',
    });
    const ended = once(child, 'exit');
    for (let i = 0; i < 1200 && bad.connections() < 1; i++) await new Promise((r) => setTimeout(r, 50));
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
  });

  it('an invalid --publish-limit exits with 2 before anything runs', async () => {
    const end = await publish('green', newRun(), 'http://127.0.0.1:9/', '--publish-limit', '5');
    assert.equal(end.status, 2);
    assert.match(end.stderr, /cannot accept --publish-limit "5": it has no unit/);
    assert.equal(end.stdout, '');
  });
});
