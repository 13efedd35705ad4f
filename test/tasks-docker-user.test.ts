/** Jobs of an ordinary user with root's dockerd: files that containers leave belong to the worker's user. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, run } from './command.js';
import { openDocker, type TestEngine } from './engines.js';
import { jobYaml, runJobYaml } from './job-fixture.js';
import { copyWorker, ensureOrdinaryUser } from './rootless.js';

describe('soil-worker run on docker, for an ordinary user', () => {
  let machine: TestEngine;
  let user: Awaited<ReturnType<typeof ensureOrdinaryUser>>;
  let folder: string;
  let worker: string;
  before(async () => {
    user = await ensureOrdinaryUser();
    machine = await openDocker({ group: user.gid });
    folder = await mkdtemp(join(tmpdir(), 'soil-user-'));
    await must('chmod', ['755', folder]);
    await must('chown', [`${user.uid}:${user.gid}`, folder]);
    worker = await copyWorker(join(folder, 'soil'));
  });
  after(async () => {
    await machine.close();
    await rm(folder, { recursive: true, force: true });
  });
  const environment = () => ({ HOME: folder, XDG_STATE_HOME: join(folder, 'state') });
  const options = () => ({ as: user, worker, env: environment() });
  const foreignFiles = (repo: string) => must('find', [repo, '!', '-user', String(user.uid)]);

  it('results and logs belong to the worker’s user for any user in the container', async (t) => {
    const tasks = `
- name: leaves
  run: |
    id -u
    mkdir -p out/deep; echo one >out/index.html; echo two >out/deep/b.txt; ln -s /etc/passwd out/link
    chmod 700 out/deep; chmod 600 out/index.html out/deep/b.txt
    chown -hR 4321:4321 out/deep 2>/dev/null || true
  results: out/`;
    for (const [more, id] of [
      ['', 0],
      ['parallel: 2', 0],
      [`user: "${user.uid}:${user.gid}"`, user.uid],
    ] as const) {
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, more), options());
      assert.deepEqual(job.summary, ['leaves 0 passed'], job.output);
      assert.equal(await job.log('leaves'), `${id}\n`);
      const names = await must('unzip', ['-Z1', join(job.out, 'job.wwz')]);
      assert.match(names, /^out\/index\.html$/m);
      assert.match(names, /^out\/deep\/b\.txt$/m);
      assert.equal(await foreignFiles(job.repo), '');
    }
    // A user without write access to the repository has a log and a row like any other.
    const stranger = `[{name: says, run: 'id -u; ! touch x'}]`;
    const job = await runJobYaml(t, machine, jobYaml(machine, stranger, 'user: "1234"'), options());
    assert.deepEqual(job.summary, ['says 0 passed'], job.output);
    assert.match(await job.log('says'), /^1234\n/);
    assert.equal(await foreignFiles(job.repo), '');
    assert.deepEqual(await machine.containers(), []);
  });

  it('a second job on a CI host sees no files of the first one’s container', async (t) => {
    const tasks = `
- {name: sees, run: 'test ! -e build; test ! -e own.o'}
- {name: makes, run: 'mkdir -p build/deep; echo x >build/deep/a.o; echo y >own.o; chmod 700 build; chown -R 1234 build'}`;
    const first = await runJobYaml(t, machine, jobYaml(machine, tasks), {
      ...options(),
      files: { '.gitignore': 'build/\n' },
    });
    assert.deepEqual(first.summary, ['sees 0 passed', 'makes 0 passed'], first.output);
    await writeFile(join(first.repo, 'mine.txt'), 'mine');
    const again = await run(process.execPath, [worker, 'run', 'job', '--engine', 'docker'], {
      cwd: first.repo,
      as: user,
      env: {
        ...{ GITHUB_ACTIONS: '', JOB_ID: '7', JOB_URL: 'https://builds.example.org/7' },
        ...machine.environment,
        ...environment(),
      },
    });
    assert.match(again.stdout, /removing 2 untracked paths that earlier jobs created/);
    assert.match(again.stdout, /passed +\S+ s +sees/);
    assert.equal(again.status, 0, again.stdout + again.stderr);
  });
});
