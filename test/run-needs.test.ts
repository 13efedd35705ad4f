import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { parseRecord } from '../model/record-reader.js';
import type { JobRecord } from '../model/record.js';
import { valueOf } from '../model/result.js';
import { parseStatus } from '../model/status.js';
import { must, worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';

/** Each job appends its name to a file that git ignores, so that tests see what ran, in which order. */
const job = (name: string, needs: string, more = 'true'): string =>
  `  ${name}: {image: none, needs: [${needs}], tasks: [{name: t, run: 'echo ${name} >>"$RAN"; ${more}'}]}\n`;
const yaml = `project: p
jobs:
${job('b', 'a')}${job('a', '', 'test ! -e fail')}${job('c', 'b')}${job('d', '')}${job('e', 'a, d')}`;

const bare = { GITHUB_ACTIONS: undefined, SOIL_SERVER: undefined, JOB_ID: undefined, JOB_URL: undefined };

describe('jobs that need other jobs', () => {
  let server: RunningServer;
  let repo: string;
  before(async () => {
    server = await startServer();
  });
  after(async () => {
    await server.close();
  });
  beforeEach(async () => {
    repo = await makeRepo({ 'soil.yml': yaml, '.gitignore': '/ran\n' });
  });
  afterEach(() => rm(repo, { recursive: true, force: true }));

  const soil = (args: readonly string[], env: Record<string, string | undefined> = {}): Promise<CommandEnd> =>
    worker(args, { cwd: repo, env: { ...bare, RAN: join(repo, 'ran'), ...env } });
  const ran = async (): Promise<string> => {
    const names = await readFile(join(repo, 'ran'), 'utf8').catch(() => '');
    await rm(join(repo, 'ran'), { force: true });
    return names.trim().split('\n').join(' ');
  };
  const record = async (name: string): Promise<JobRecord> =>
    valueOf(parseRecord(await readFile(join(repo, '_soil', name, `${name}.json`), 'utf8')));
  const commit = async (): Promise<void> => {
    await must('git', ['-C', repo, 'add', '--all']);
    await must('git', ['-C', repo, 'commit', '-q', '-m', 'Change']);
  };
  /** Makes the job `a` fail, in a commit of its own. */
  const breakJob = async (): Promise<void> => {
    await writeFile(join(repo, 'fail'), '');
    await commit();
  };

  it('run in the order of their needs, whatever the order of their names', async () => {
    const end = await soil(['run', 'c', 'b', 'd', 'a']);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await ran(), 'a b c d');
    assert.match(end.stdout, /^4 jobs:\na +passed.*\nb +passed.*\nc +passed.*\nd +passed/m);
  });

  it('are skipped with the reason if a need did not pass, and have a record that is not a pass', async () => {
    await breakJob();
    const end = await soil(['run', 'c', 'b', 'a', 'd']);
    assert.equal(end.status, 125, end.stdout + end.stderr);
    assert.equal(await ran(), 'a d');
    assert.match(end.stdout, /^skipping job b: it needs job "a", whose outcome is failed$/m);
    assert.match(end.stdout, /^b {2}skipped {4}status 125 {2}it needs job "a", whose outcome is failed$/m);
    assert.match(end.stdout, /^c {2}skipped {4}status 125 {2}it needs job "b", which was skipped$/m);
    assert.match(end.stdout, /^d {2}passed/m);
    const { outcome, status, reason, tasks } = await record('b');
    assert.deepEqual([outcome, status], ['empty', 125]);
    assert.equal(reason, 'skipped: it needs job "a", whose outcome is failed');
    assert.match(tasks[0]?.skipped ?? '', /^the job was skipped: it needs job "a"/);
    const check = await soil(['did-all-succeed', '_soil/b/b.tsv']);
    assert.equal(check.status, 1);
    assert.match(check.stderr, /no task passed/);
  });

  it('replace the record of an earlier pass when they are skipped', async () => {
    assert.equal((await soil(['run', 'a', 'b'])).status, 0);
    await breakJob();
    assert.equal((await soil(['run', 'b'])).status, 125);
    assert.equal((await record('b')).outcome, 'empty');
  });

  it('run a need first that is not named, and say so', async () => {
    const end = await soil(['run', 'c']);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await ran(), 'a b c');
    assert.match(
      end.stdout,
      /^job "c" needs job "b", which has no pass for this commit: running it first\njob "b" needs job "a", which has/m,
    );
  });

  it('use the stored pass of a need for the same commit and a clean tree', async () => {
    assert.equal((await soil(['run', 'a', 'd'])).status, 0);
    assert.equal(await ran(), 'a d');
    const end = await soil(['run', 'e']);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await ran(), 'e');
    assert.match(
      end.stdout,
      /^job "e" needs job "a", whose outcome is passed for this commit \(at 20.*Z\)$/m,
    );
  });

  it('run a need again after another commit, a failure, or an uncommitted change', async () => {
    assert.equal((await soil(['run', 'a'])).status, 0);
    await writeFile(join(repo, 'soil.yml'), `${yaml}# changed\n`);
    await ran();
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'a b', 'the tree has an uncommitted change');
    await commit();
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'a b', 'the pass is of another commit and of a changed tree');
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'b');
    await writeFile(join(repo, 'new'), '');
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'a b', 'an untracked file is a change');
    await commit();
    await breakJob();
    assert.equal((await soil(['run', 'a'])).status, 1);
    await ran();
    assert.equal((await soil(['run', 'b'])).status, 125);
    assert.equal(await ran(), 'a', 'a failure of another run does not count');
  });

  it('do not count a stored pass that was made with uncommitted changes, also when they are gone', async () => {
    await writeFile(join(repo, 'fail'), '');
    await commit();
    for (const [change, undo] of [
      ['rm fail', 'git checkout fail'],
      ['git rm -q fail', 'git reset -q --hard'],
      [
        'git update-index --assume-unchanged fail && rm fail',
        'git update-index --no-assume-unchanged fail; git checkout fail',
      ],
    ] as const) {
      await must('sh', ['-c', change], { cwd: repo });
      assert.equal((await soil(['run', 'a'])).status, 0, change);
      await must('sh', ['-c', undo], { cwd: repo });
      await ran();
      const end = await soil(['run', 'b']);
      assert.equal(end.status, 125, change);
      assert.match(
        end.stdout,
        /^job "b" needs job "a", which has no pass for this commit: running it first$/m,
      );
      assert.equal(await ran(), 'a', change);
    }
  });

  it('count a stored pass although its job left files in the repo', async () => {
    await writeFile(
      join(repo, 'soil.yml'),
      `project: p\njobs:\n${job('a', '', 'echo x >built')}${job('b', 'a')}`,
    );
    await commit();
    assert.equal((await soil(['run', 'a'])).status, 0);
    await ran();
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'b');
    await writeFile(join(repo, 'built'), 'changed by the user');
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'a b', 'it is no longer what the job left');
  });

  it('do not count a pass of other tasks for the same commit', async () => {
    await writeFile(join(repo, 'tasks'), 'other true - -\n');
    await commit();
    assert.equal((await soil(['run', 'a', '--tasks', 'tasks'])).status, 0);
    assert.equal((await soil(['run', 'b'])).status, 0);
    assert.equal(await ran(), 'a b');
  });

  it('with --no-needs, run alone', async () => {
    const end = await soil(['run', 'c', '--no-needs']);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await ran(), 'c');
  });

  it('in a fresh clone, run a need first, or use its stored pass', async () => {
    const end = await soil(['local', 'b']);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await ran(), 'a b');
    assert.match(end.stdout, /^2 jobs:\na +passed.*\nb +passed/m);
    assert.equal((await soil(['local', 'b'])).status, 0);
    assert.equal(await ran(), 'b');
    await breakJob();
    const failed = await soil(['local', 'b']);
    assert.equal(failed.status, 125);
    assert.equal(await ran(), 'a');
    assert.match(failed.stdout, /^b {2}skipped/m);
  });

  it('print JSON of the named job, with the needs that ran first', async () => {
    const passed = await soil(['run', 'b', '--json']);
    assert.equal(passed.status, 0, passed.stderr);
    const json = JSON.parse(passed.stdout) as Record<string, unknown>;
    assert.equal(json.job, 'b');
    assert.equal(json.outcome, 'passed');
    assert.deepEqual(json.needs, [{ job: 'a', status: 0, outcome: 'passed' }]);
    assert.ok(!('skipped' in json));
    await breakJob();
    for (const command of ['run', 'local']) {
      const skipped = await soil([command, 'b', '--json']);
      assert.equal(skipped.status, 125);
      const end = JSON.parse(skipped.stdout) as Record<string, unknown>;
      assert.deepEqual([end.job, end.status, end.outcome, end.skipped], ['b', 125, 'empty', true]);
      assert.equal(end.reason, 'skipped: it needs job "a", whose outcome is failed');
      assert.deepEqual(end.needs, [{ job: 'a', status: 1, outcome: 'failed' }]);
    }
  });

  it('publish the skip, so that the gate sees no pass and the page says why', async () => {
    const run = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token, SOIL_RUN: 'skips' };
    await breakJob();
    const end = await soil(['run', 'b', '--publish'], run);
    assert.equal(end.status, 125, end.stdout + end.stderr);
    assert.equal(await ran(), 'a');
    const text = await (await fetch(`${server.url}status-api/local/skips/b`)).text();
    const { status, outcome } = valueOf(parseStatus(text));
    assert.deepEqual([status, outcome], [125, 'empty']);
    const page = await (await fetch(`${server.url}local-jobs/skips/`)).text();
    assert.match(page, /skipped: it needs job &quot;a&quot;, whose outcome is failed/);
    const hash = (await must('git', ['-C', repo, 'rev-parse', 'HEAD'])).trim();
    const wait = await soil(
      ['wait', 'status', 'b', '--run-id', 'skips', '--host', 'local', '--commit', hash],
      run,
    );
    assert.notEqual(wait.status, 0, wait.stdout);
  });

  it('use the end of a need in the same run, a failure too, from this machine or the server', async () => {
    const run = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token, SOIL_RUN: 'shared' };
    assert.equal((await soil(['run', 'a', '--publish'], run)).status, 0);
    await ran();
    // As on another machine, which has no record.
    await rm(join(repo, '_soil'), { recursive: true });
    const end = await soil(['run', 'b', '--publish'], { ...run, XDG_STATE_HOME: join(repo, '..', 'none') });
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await ran(), 'b');
    assert.match(
      end.stdout,
      /^job "b" needs job "a", whose outcome is passed in this run, as the server says$/m,
    );
    await breakJob();
    const failing = { ...run, SOIL_RUN: 'failing' };
    assert.equal((await soil(['run', 'a', '--publish'], failing)).status, 1);
    await ran();
    const skipped = await soil(['run', 'b', '--publish'], failing);
    assert.equal(skipped.status, 125, skipped.stdout + skipped.stderr);
    assert.equal(await ran(), '', 'a failed in this run, so that it does not run again');
    assert.match(skipped.stdout, /^job "b" needs job "a", whose outcome is failed in this run$/m);
  });

  it('stop before the first job if a name is wrong', async () => {
    const end = await soil(['run', 'b', 'nope']);
    assert.equal(end.status, 2);
    assert.equal(await ran(), '');
  });
});
