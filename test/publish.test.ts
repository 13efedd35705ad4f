import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseStatus } from '../model/status.js';
import { valueOf } from '../model/result.js';
import { must, worker, type CommandEnd } from './command.js';
import { serveGithubApi } from './github-api.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';

const soilYml = `project: p
jobs:
  unit:
    image: none
    artifacts: [_out/program.tar]
    tasks:
      - { name: greet, run: 'mkdir -p _out; echo hello | tee _out/program.tar', results: _out/ }
  lint:
    image: none
    tasks:
      - { name: look, run: test ! -e broken }
merge:
  from: soil-staging
  to: main
  require: [unit, lint]
`;

const bare = {
  ...{ GITHUB_ACTIONS: undefined, GITHUB_STEP_SUMMARY: undefined, JOB_ID: undefined, JOB_URL: undefined },
  ...{ SOIL_SERVER: undefined, SOIL_RUN: undefined, SOIL_ATTEMPT: undefined, GIT_REF: undefined },
};

describe('soil-worker with a server', () => {
  let server: RunningServer;
  let repo: string;
  let commit: string;
  before(async () => {
    server = await startServer();
    repo = await makeRepo({ 'soil.yml': soilYml });
    await writeFile(join(repo, '.git', 'info', 'exclude'), '_out/\n');
    commit = (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim();
  });
  after(async () => {
    await server.close();
    await rm(repo, { recursive: true, force: true });
  });
  const soil = (args: readonly string[], env: Record<string, string> = {}): Promise<CommandEnd> =>
    worker(args, { cwd: repo, env: { ...bare, SOIL_TOKEN: server.token, SOIL_SERVER: server.url, ...env } });
  const get = async (path: string): Promise<string> => {
    const response = await fetch(new URL(path, server.url));
    assert.equal(response.status, 200, path);
    return response.text();
  };

  it('run --publish sends files, artifact and status, and prints the addresses before and after', async () => {
    const end = await soil(['run', 'unit', '--publish', '--run-id', 'r1']);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    const page = `${server.url}local-jobs/r1/`;
    assert.ok(end.stdout.startsWith(`results will be at ${page}index.html\n`), end.stdout);
    const urls = end.stdout.split('\n').filter((line) => line.startsWith('http'));
    assert.deepEqual(
      urls.map((url) => url.slice(server.url.length).replace(/index\.html$/, '')),
      [
        'local-jobs/r1/',
        'local-jobs/r1/unit.wwz/',
        `local-jobs/commits/${commit}.html`,
        `local-jobs/commits/${commit}/program.tar`,
      ],
    );
    for (const url of urls) assert.match(await get(url), /unit|hello/);
    assert.equal(await get('local-jobs/r1/unit.wwz/_soil/logs/greet.txt'), 'hello\n');
    assert.equal(await get(`local-jobs/commits/${commit}/program.tar`), 'hello\n');
    const status = valueOf(parseStatus(await get('status-api/local/r1/unit')));
    assert.deepEqual(
      [status.status, status.attempt, status.commit, status.outcome],
      [0, 1, commit, 'passed'],
    );
    assert.match(
      end.stderr,
      /^notice: tasks of job "unit" run on this machine as your user and can read SOIL_TOKEN; .*\n$/,
    );
  });

  it('publish accepts the same files again', async () => {
    const end = await soil(['publish', 'unit']);
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stdout, /local-jobs\/r1\/unit\.wwz\/\n/);
  });

  it('publish prints addresses, writes a step summary with the ends of failed logs, and supports --json', async (t) => {
    const summary = join(repo, '_out', 'summary.md');
    await mkdir(join(repo, '_out'), { recursive: true });
    t.after(() => rm(summary));
    await writeFile(join(repo, 'broken'), '');
    assert.equal((await soil(['run', 'lint', '--run-id', 'kept'])).status, 1);
    await rm(join(repo, 'broken'));
    const end = await soil(['publish', 'lint'], { GITHUB_STEP_SUMMARY: summary });
    assert.equal(end.status, 0, end.stderr);
    const page = `${server.url}local-jobs/kept/`;
    assert.ok(end.stdout.startsWith(`results will be at ${page}index.html\n${page}`), end.stdout);
    const text = await readFile(summary, 'utf8');
    assert.match(text, /^### lint: failed\n/);
    assert.ok(text.includes(`- <${page}`), text);
    assert.match(text, /\| failed \| 1 \|/);
    assert.match(text, /^look: the log is empty$/m);
    const json = await soil(['publish', 'lint', '--json']);
    const output = JSON.parse(json.stdout) as { job: string; status: number; urls: readonly string[] };
    assert.deepEqual([output.job, output.status], ['lint', 0]);
    assert.ok(output.urls[0]?.startsWith(page));
    const refused = await soil(['publish', 'lint', '--json'], { SOIL_TOKEN: `${server.token}x` });
    assert.equal(refused.status, 1);
    assert.match(
      (JSON.parse(refused.stdout) as { reason: string }).reason,
      /^cannot publish job "lint" to .*401/,
    );
    const wrong = await soil(['publish', 'none', '--json']);
    assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  });

  it('publish refuses other bytes for the same attempt with advice, and accepts a new attempt', async () => {
    const end = await soil(['run', 'unit', '--publish', '--run-id', 'r1']);
    assert.equal(end.status, 1);
    assert.match(
      end.stderr,
      /status 409: .*\. Published results never change: run the job again, as a new run or with --attempt N/,
    );
    const second = await soil(['run', 'unit', '--publish', '--run-id', 'r1', '--attempt', '2']);
    assert.equal(second.status, 0, second.stderr);
    assert.match(await get('local-jobs/r1-2/unit.json'), /"attempt": 2/);
    assert.match(await get('local-jobs/r1/unit.json'), /"attempt": 1/);
  });

  it('run --publish publishes a failed job and exits with its status', async () => {
    await writeFile(join(repo, 'broken'), '');
    const end = await soil(['run', 'lint', '--publish', '--run-id', 'r2']);
    await rm(join(repo, 'broken'));
    assert.equal(end.status, 1);
    assert.match(await get('status-api/local/r2/lint'), /^1 .*outcome=failed/);
  });

  it('a wrong token exits with 1 and a message, and changes nothing on the site', async () => {
    const end = await soil(['run', 'unit', '--publish', '--run-id', 'r3'], {
      SOIL_TOKEN: 'soil_static_nobody_xxxxxxxx',
    });
    assert.equal(end.status, 1);
    assert.match(end.stderr, /cannot publish job "unit" to http:.*: status 40[13]: /);
    assert.doesNotMatch(end.stdout + end.stderr, /xxxxxxxx/);
    assert.ok(!(await readdir(join(server.site, 'local-jobs'))).includes('r3'));
  });

  it('a token without the action status publishes, and the command says what is missing', async (t) => {
    const shy = await startServer('append,event');
    t.after(() => shy.close());
    const end = await soil(['run', 'unit', '--publish', '--run-id', 'r4'], {
      SOIL_TOKEN: shy.token,
      SOIL_SERVER: shy.url,
    });
    assert.equal(end.status, 0, end.stderr);
    assert.match(
      end.stderr,
      /notice: the status API was not updated, so maybe-merge will not count this job: status 403/,
    );
  });

  for (const kind of ['git', 'github'] as const) {
    it(`maybe-merge by ${kind} exits with 1 while a required job is missing, and merges once all are green`, async (t) => {
      const run = `merge-${kind}`;
      const remote = join(repo, '.git', `${kind}.git`);
      const git = (...args: string[]): Promise<string> => must('git', ['-C', repo, ...args]);
      await git('checkout', '-q', 'main');
      await must('git', ['init', '-q', '--bare', '-b', 'main', remote]);
      await git('push', '-q', remote, 'main');
      await git('checkout', '-q', '-B', 'soil-staging');
      await appendFile(join(repo, 'NEWS'), `${kind}\n`);
      await git('add', 'NEWS');
      await git('commit', '-q', '-m', 'A candidate');
      await git('push', '-q', remote, 'soil-staging');
      const candidate = (await git('rev-parse', 'HEAD')).trim();
      const tip = async (): Promise<string> =>
        (await must('git', ['--git-dir', remote, 'rev-parse', 'main'])).trim();
      const before = await tip();
      const api = await serveGithubApi(remote, 'a-secret-token');
      t.after(() => api.close());
      const where = kind === 'git' ? ['--remote', remote] : ['--github', 'o/r', '--github-api', api.api];
      const merge = (...more: string[]): Promise<CommandEnd> =>
        soil(['maybe-merge', '--run-id', run, ...where, ...more], {
          SOIL_GITHUB_API_TOKEN: 'a-secret-token',
        });

      assert.equal((await soil(['run', 'unit', '--publish', '--run-id', run])).status, 0);
      const early = await merge();
      assert.equal(early.status, 1, early.stderr);
      assert.match(early.stderr, /is not green\n {2}lint: has not reported\n/);
      assert.equal(await tip(), before);
      assert.equal((await soil(['run', 'lint', '--publish', '--run-id', run])).status, 0);
      const elsewhere = await merge('--branch', 'topic');
      assert.equal(elsewhere.status, 0);
      assert.match(elsewhere.stdout, /nothing to do on branch "topic"/);
      assert.equal(await tip(), before);
      const old = await merge('--commit', before);
      assert.equal(old.status, 0);
      assert.match(old.stdout, /main is already at /);
      const merged = await merge('--max-age', '1h', '--wait', '1s');
      assert.equal(merged.status, 0, merged.stderr);
      assert.equal(await tip(), candidate);
      assert.match(merged.stdout, new RegExp(`merged: main ${before} -> ${candidate}`));
      assert.doesNotMatch(merged.stdout + merged.stderr, /a-secret-token/);
      assert.match((await merge()).stdout, /already/);
    });
  }

  it('maybe-merge does nothing for a pull request, whose commit is a merge of GitHub’s', async () => {
    const end = await soil(['maybe-merge', '--github', 'o/r', '--to', 'main'], {
      ...{
        GITHUB_ACTIONS: 'true',
        GITHUB_RUN_NUMBER: '1',
        GITHUB_RUN_ID: '2',
        GITHUB_EVENT_NAME: 'pull_request',
      },
    });
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stdout, /nothing to do for event "pull_request"/);
  });

  it('runs on GitHub and on sourcehut have separate folders', async () => {
    const github = {
      ...{ GITHUB_ACTIONS: 'true', GITHUB_RUN_NUMBER: '12', GITHUB_RUN_ID: '9876', GITHUB_RUN_ATTEMPT: '1' },
      ...{ GITHUB_SHA: commit, GITHUB_REF: 'refs/heads/main', GITHUB_EVENT_NAME: 'push' },
    };
    const onGithub = await soil(['run', 'lint', '--publish'], github);
    assert.equal(onGithub.status, 0, onGithub.stderr);
    assert.match(await get('status-api/github/9876/lint'), /^0 host=github run=9876 attempt=1 job=lint/);
    assert.match(await get('github-jobs/12/'), /lint/);
    const onSourcehut = await soil(['run', 'lint', '--publish'], {
      JOB_ID: '345',
      JOB_URL: 'https://builds.example/345',
    });
    assert.equal(onSourcehut.status, 0, onSourcehut.stderr);
    const head = (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim();
    assert.match(await get(`status-api/sourcehut/${head}/lint`), /^0 host=sourcehut/);
    assert.match(
      await readFile(join(server.site, 'srht-jobs', '345', 'lint.json'), 'utf8'),
      /"JOB_ID": "345"/,
    );
  });
});
