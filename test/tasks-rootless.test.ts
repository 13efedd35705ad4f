/** Jobs of an ordinary user in podman without root: files of any user in the container belong to the worker's user. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { must } from './command.js';
import { jobYaml, runJobYaml } from './job-fixture.js';
import { openRootless, type RootlessEngine } from './rootless.js';

describe('soil-worker run on podman without root', () => {
  let machine: RootlessEngine;
  before(async () => {
    machine = await openRootless();
  });
  after(() => machine.close());

  const options = () => ({ as: machine.user, worker: machine.worker });
  const foreignFiles = (repo: string) => must('find', [repo, '!', '-user', String(machine.user.uid)]);

  it('runs tasks, also in parallel and after a time-out, and leaves no container', async (t) => {
    const tasks = `
- {name: a, run: 'id -u; echo x >a.txt', results: a.txt}
- {name: late, run: "setsid sh -c 'trap : TERM; while :; do sleep 1; done' & sleep 600", timeout: 1s}
- {name: b, run: 'test -e a.txt', needs: [a]}`;
    for (const more of ['grace: 1s', 'grace: 1s\nparallel: 2']) {
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, more), options());
      assert.deepEqual(job.summary, ['a 0 passed', 'late 124 timed-out', 'b 0 passed'], job.output);
      assert.equal(await job.log('a'), '0\n');
      assert.equal(await foreignFiles(job.repo), '');
    }
    assert.deepEqual(await machine.containers(), []);
  });

  it('a numeric user can write to the repository, and the files belong to the worker’s user', async (t) => {
    const tasks = `- {name: writes, run: 'id -u; mkdir out; echo one >out/index.html; chmod 600 out/index.html', results: out/}`;
    for (const user of ['"1234"', '"1234:4321"']) {
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, `user: ${user}`), options());
      assert.deepEqual(job.summary, ['writes 0 passed'], job.output);
      assert.equal(await job.log('writes'), '1234\n');
      assert.match(await must('unzip', ['-Z1', join(job.out, 'job.wwz')]), /^out\/index\.html$/m);
      assert.equal(await foreignFiles(job.repo), '');
    }
  });

  it('files of other users in the container become the worker’s user’s and can be results', async (t) => {
    const tasks = `
- name: leaves
  run: |
    mkdir -p out/deep; echo one >out/index.html; echo two >out/deep/b.txt; ln -s /etc/passwd out/link
    chmod 700 out/deep; chmod 600 out/index.html out/deep/b.txt
    chown -hR 1234:1234 out
  results: out/`;
    const job = await runJobYaml(t, machine, jobYaml(machine, tasks), options());
    assert.deepEqual(job.summary, ['leaves 0 passed'], job.output);
    const names = await must('unzip', ['-Z1', join(job.out, 'job.wwz')]);
    assert.match(names, /^out\/deep\/b\.txt$/m);
    assert.match(names, /^out\/index\.html$/m);
    assert.equal(await foreignFiles(job.repo), '');
  });
});
