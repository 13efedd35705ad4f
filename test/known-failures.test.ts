import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseStatus } from '../model/status.js';
import { valueOf } from '../model/result.js';
import { worker } from './command.js';
import { jobYaml, runJobYaml, startJob, type JobRun } from './job-fixture.js';
import { openEngine, type TestEngine } from './engines.js';
import { startServer, type RunningServer } from './soil-server.js';

describe('tasks with expect-fail', () => {
  let machine: TestEngine;
  let server: RunningServer;
  before(async () => {
    machine = await openEngine('raw');
    server = await startServer();
  });
  after(async () => {
    await server.close();
    await machine.close();
  });
  const run = async (tasks: string, args: readonly string[] = [], env = {}): Promise<JobRun> =>
    (await startJob(machine, jobYaml(machine, tasks), { args, env })).ended;

  it('pass and are shown with their reason if they fail, and the gate and did-all-succeed accept them', async () => {
    const env = { SOIL_SERVER: server.url, SOIL_TOKEN: server.token, SOIL_RUN: 'known' };
    const job = await run(
      `
- {name: bad, run: exit 3, retries: 2, expect-fail: {why: "strings <b>", until: 2999-12-31}}
- {name: user, run: 'true', needs: bad}
- {name: good, run: 'true'}`,
      ['--publish'],
      env,
    );
    assert.equal(job.status, 0, job.output);
    assert.deepEqual(job.summary, ['bad 3 known-failure', 'user 125 skipped', 'good 0 passed']);
    assert.equal(job.rows[0]?.tries, 1, 'an expected failure is not repeated');
    assert.equal(job.record.outcome, 'passed');
    const note = 'known failure until 2999-12-31: strings <b>';
    assert.equal(job.record.tasks[0]?.note, note);
    assert.match(job.record.tasks[1]?.skipped ?? '', /it needs "bad", whose outcome is known-failure/);
    assert.ok(job.output.includes(note), job.output);
    const page = await (await fetch(`${server.url}local-jobs/known/`)).text();
    assert.match(page, /known failure until 2999-12-31: strings &lt;b&gt;/);
    const index = await (await fetch(`${server.url}local-jobs/known/job.wwz/`)).text();
    assert.match(index, /known failure until 2999-12-31: strings &lt;b&gt;/);
    const status = valueOf(
      parseStatus(await (await fetch(`${server.url}status-api/local/known/job`)).text()),
    );
    assert.deepEqual([status.status, status.outcome], [0, 'passed']);
    const check = await worker(['did-all-succeed', join(job.out, 'job.tsv')]);
    assert.equal(check.status, 0, check.stderr);
    await rm(job.repo, { recursive: true, force: true });
  });

  it('are red with the reason if they pass, or fail after the date', async () => {
    const job = await run(`
- {name: fixed, run: 'true', expect-fail: {why: was broken}}
- {name: old, run: exit 4, expect-fail: {why: was broken, until: 2020-01-01}}`);
    assert.equal(job.status, 4, job.output);
    assert.deepEqual(job.summary, ['fixed 0 unexpected-pass', 'old 4 failed']);
    assert.equal(
      job.record.tasks[0]?.note,
      'expected to fail, but it passed: was broken. Remove expect-fail from soil.yml',
    );
    assert.equal(
      job.record.tasks[1]?.note,
      'expected to fail until 2020-01-01, which has passed: was broken',
    );
    for (const { note = '' } of job.record.tasks) assert.ok(job.output.includes(note), job.output);
    const check = await worker(['did-all-succeed', join(job.out, 'job.tsv')]);
    assert.equal(check.status, 1);
    assert.match(check.stderr, /task "fixed": unexpected-pass, status 0/);
    await rm(job.repo, { recursive: true, force: true });
  });

  it('are red if only an unexpected pass is, with exit status 1', async () => {
    const job = await run(`- {name: fixed, run: 'true', expect-fail: {why: was broken}}`);
    assert.equal(job.status, 1, job.output);
    assert.equal(job.record.outcome, 'failed');
    await rm(job.repo, { recursive: true, force: true });
  });

  it('are red if they time out, and as usual on other worker hosts', async () => {
    const job = await run(`
- {name: late, run: sleep 60, timeout: 1s, expect-fail: {why: slow}}
- {name: elsewhere, run: exit 5, expect-fail: {why: network, on: [github, sourcehut]}}
- {name: here, run: exit 5, expect-fail: {why: network, on: local}}`);
    assert.deepEqual(job.summary, ['late 124 timed-out', 'elsewhere 5 failed', 'here 5 known-failure']);
    assert.equal(job.status, 124, job.output);
    await rm(job.repo, { recursive: true, force: true });
  });
});

describe('a failed task', () => {
  it('that asked for input says that its input is closed', async (t) => {
    const machine = await openEngine('raw');
    try {
      const job = await runJobYaml(
        t,
        machine,
        jobYaml(
          machine,
          `
- {name: asks, run: 'printf "Continue? [y/N] "; read answer'}
- {name: fails, run: 'echo "3 tests failed"; exit 1'}`,
        ),
      );
      assert.equal(job.record.tasks[0]?.note, 'it seems to have asked for input, which is closed for tasks');
      assert.equal(job.record.tasks[1]?.note, undefined);
      assert.match(job.output, /it seems to have asked for input, which is closed for tasks/);
    } finally {
      await machine.close();
    }
  });
});
