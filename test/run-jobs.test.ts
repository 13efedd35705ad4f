import assert from 'node:assert/strict';
import { chmod, cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, repoRoot, run, soilWorker, worker, type CommandOptions } from './command.js';
import { makeRepo } from './git-repo.js';
import { waitForFile } from './wait-for.js';
import { startServer, type RunningServer } from './soil-server.js';

const yaml = `project: p
jobs:
  unit: {image: none, tasks: [{name: a, run: 'echo unit'}]}
  lint: {image: none, tasks: [{name: a, run: 'exit 4'}, {name: b, run: 'true'}]}
  docs: {image: none, tasks: [{name: a, run: 'echo docs'}]}
`;

describe('several jobs on one machine', () => {
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
  const publishing = (): CommandOptions => ({
    cwd: repo,
    env: { SOIL_SERVER: server.url, SOIL_TOKEN: server.token, GITHUB_ACTIONS: '' },
  });

  it('on sourcehut, runs and publishes all jobs under the machine’s job, and the last lines link them', async () => {
    const options = publishing();
    const end = await worker(['run', 'lint', 'unit', 'docs', '--publish'], {
      ...options,
      env: { ...options.env, JOB_ID: '123456', JOB_URL: 'https://builds.example/~me/job/123456' },
    });
    assert.equal(end.status, 4, end.stdout + end.stderr);
    const url = `${server.url}srht-jobs/123456/`;
    assert.equal(
      end.stdout.trimEnd().split('\n').slice(-4).join('\n'),
      `3 jobs:\nlint  failed     status 4  ${url}\nunit  passed     status 0  ${url}\ndocs  passed     status 0  ${url}`,
    );
    const page = await (await fetch(url)).text();
    for (const job of ['lint', 'unit', 'docs']) {
      assert.match(page, new RegExp(`${job}\\.wwz/`));
      const record = (await (await fetch(`${url}${job}.json`)).json()) as { readonly JOB_URL: string };
      assert.equal(record.JOB_URL, 'https://builds.example/~me/job/123456');
    }
    // One command for each job does the same.
    const more = { ...options, env: { ...options.env, JOB_ID: '123457', JOB_URL: 'https://b.example/1' } };
    assert.equal((await worker(['run', 'unit', '--publish'], more)).status, 0);
    assert.equal((await worker(['run', 'lint', '--publish'], more)).status, 4);
    for (const job of ['lint', 'unit']) {
      assert.equal((await fetch(`${server.url}srht-jobs/123457/${job}.json`)).status, 200);
    }
  });

  it('refuses an unknown or repeated name before the first job begins', async () => {
    for (const [names, reason] of [
      [['unit', 'nope'], /cannot run job "nope": soil\.yml has no such job/],
      [['unit', 'unit'], /cannot run job "unit" twice/],
      [['unit', 'docs', '--tasks', '-'], /cannot run several jobs with --tasks/],
    ] as const) {
      const end = await worker(['run', ...names], publishing());
      assert.equal(end.status, 2);
      assert.match(end.stderr, reason);
      assert.equal(end.stdout, '');
    }
  });

  it('if one job cannot be published, publishes the others and fails', async () => {
    const taken = ['run', 'unit', '--publish', '--run-id', 'taken'];
    assert.equal((await worker(taken, publishing())).status, 0);
    const end = await worker(['run', 'unit', 'docs', '--publish', '--run-id', 'taken'], publishing());
    assert.equal(end.status, 1, 'other bytes for the same job are refused');
    assert.match(end.stdout, /^unit {2}passed +status 1$/m);
    assert.match(end.stdout, /^docs {2}passed +status 0 {2}http/m);
    assert.match(end.stderr, /to publish them later: soil-worker publish unit/);
  });

  it('post-receive runs the jobs of each pushed branch and publishes them under local-jobs/', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'soil-push-test-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const bare = join(folder, 'p.git');
    await must('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    const hook = join(bare, 'hooks', 'post-receive');
    await cp(join(repoRoot, 'shims', 'post-receive.sh'), hook);
    await chmod(hook, 0o755);
    const token = join(folder, 'token');
    await writeFile(token, server.token, { mode: 0o600 });
    const set = (name: string, value: string) => must('git', ['-C', bare, 'config', `soil.${name}`, value]);
    await set('worker', `${process.execPath} ${soilWorker}`);
    await set('server', server.url);
    await set('tokenFile', token);
    await set('branches', 'main topic/*');
    const scratch = join(folder, 'scratch');
    await must('mkdir', [scratch]);
    const push = (...refs: string[]) =>
      run('git', ['-C', repo, 'push', bare, ...refs], {
        env: { GITHUB_ACTIONS: '', TMPDIR: scratch },
      });

    const all = await push('HEAD:refs/heads/main', 'HEAD:refs/tags/v1', 'HEAD:refs/heads/other');
    assert.equal(all.status, 0, 'a failed job does not undo a push');
    assert.match(all.stderr, /remote: soil: main at [0-9a-f]{40} finished with status 4/);
    assert.doesNotMatch(all.stderr, /soil: other|v1 at/);
    const urls = [...all.stderr.matchAll(/(http:\S+local-jobs\/\d{8}T\d{6}Z-[0-9a-f]{12}\/)\s*$/gm)];
    const url = urls.at(-1)?.[1] ?? '';
    const page = await (await fetch(url)).text();
    for (const job of ['unit', 'lint', 'docs']) assert.match(page, new RegExp(`${job}\\.wwz/`));
    const record = (await (await fetch(`${url}unit.json`)).json()) as Record<string, unknown>;
    assert.equal(record.branch, 'main');
    assert.equal(record['commit-hash'], (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim());

    // The reason why a job cannot start is printed, and nothing else runs.
    await must('git', ['-C', repo, 'checkout', '-q', '-b', 'broken']);
    await writeFile(join(repo, 'soil.yml'), 'project: p\njobs: {}\n');
    await must('git', ['-C', repo, 'commit', '-q', '-a', '-m', 'broken']);
    const broken = await push('HEAD:refs/heads/topic/broken');
    assert.match(broken.stderr, /remote: soil\.yml:2:7: cannot accept jobs: the map is empty/);
    assert.match(broken.stderr, /topic\/broken at [0-9a-f]{40} finished with status 2/);
    assert.doesNotMatch(broken.stderr, /missing required argument|Usage/);
    await must('git', ['-C', repo, 'checkout', '-q', 'main']);
    // A machine may have a folder of this name.
    const listRepo = (): Promise<readonly string[]> => readdir('/repo').catch(() => ['none']);
    const before = await listRepo();
    const homeless = await run('git', ['-C', repo, 'push', bare, 'HEAD:refs/heads/topic/homeless'], {
      env: { GITHUB_ACTIONS: '', TMPDIR: join(folder, 'none') },
    });
    assert.match(homeless.stderr, /topic\/homeless at [0-9a-f]{40} finished with status 1/);
    assert.doesNotMatch(homeless.stderr, /passed|results will be/);
    assert.deepEqual(await listRepo(), before);

    // One job, in the background; a deleted branch runs no job.
    await set('jobs', 'unit');
    await set('detach', 'true');
    const marked = yaml.replace('echo unit', `touch ${join(folder, 'ran')}`);
    await writeFile(join(repo, 'soil.yml'), marked);
    await must('git', ['-C', repo, 'commit', '-q', '-a', '-m', 'topic']);
    const detached = await push('HEAD:refs/heads/topic/x', ':refs/heads/other');
    assert.equal(detached.status, 0);
    assert.match(detached.stderr, /remote: soil: running the jobs in the background; log: .*soil\.log/);
    await waitForFile(join(folder, 'ran'));
    for (const deadline = Date.now() + 60_000; ;) {
      const log = await readFile(join(bare, 'soil.log'), 'utf8');
      if (log.includes('finished with status 0') && (await readdir(scratch)).length === 0) break;
      assert.ok(Date.now() < deadline, log);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const log = await readFile(join(bare, 'soil.log'), 'utf8');
    assert.match(log, /soil: topic\/x at/);
    assert.doesNotMatch(log, /other|docs/);
  });
});
