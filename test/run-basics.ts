/** Tests of how jobs run, the same for podman, docker and the raw machine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { access, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must } from './command.js';
import { openEngine, type TestEngine } from './engines.js';
import { jobYaml, runJobYaml, startJob } from './job-fixture.js';
import { isProcessRunning, waitForFile } from './wait-for.js';

export function testRunBasics(kind: 'podman' | 'docker' | 'raw'): void {
  describe(`soil-worker run on ${kind}`, () => {
    let machine: TestEngine;
    before(async () => {
      machine = await openEngine(kind);
    });
    after(() => machine.close());
    const noContainerLeft = async () => {
      assert.deepEqual(await machine.containers(), [], 'no container is left');
    };

    it('runs every task, also after a failed one, and records status, times and order', async (t) => {
      const tasks = `
- {name: good, run: 'echo out; echo err >&2; echo out again'}
- {name: bad, run: 'echo before; exit 3'}
- {name: größe 日本, run: 'echo schön'}
- name: lines
  run: |
    false
    echo never
- {name: reads, run: 'cat; echo end of input'}
- {name: killed, run: 'kill -9 $$'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks));
      assert.deepEqual(job.summary, [
        'good 0 passed',
        'bad 3 failed',
        'größe 日本 0 passed',
        'lines 1 failed',
        'reads 0 passed',
        'killed 137 failed',
      ]);
      assert.equal(job.status, 137, 'the largest status of the failed tasks');
      assert.equal(await job.log('good'), 'out\nerr\nout again\n');
      assert.equal(await job.log('größe 日本'), 'schön\n');
      assert.equal(await job.log('lines'), '');
      assert.equal(await job.log('reads'), 'end of input\n');
      assert.equal(job.record.outcome, 'failed');
      assert.equal(job.record.commitLine, 'A change: größer');
      assert.match(job.record.tasks[3]?.run ?? '', /^false\necho never\n?$/);
      assert.ok(job.rows.every((row) => row.elapsedSeconds !== undefined && row.startTime !== undefined));
      await must('unzip', ['-tq', join(job.out, 'job.wwz')]);
      await noContainerLeft();
    });

    it('passes if all tasks pass, with environment, retries, needs and tolerated failures', async (t) => {
      const more = `env: {COLOR: "red 'n' blue", EMPTY: ""}`;
      const tasks = `
- {name: env, run: 'test "$COLOR" = "red ''n'' blue" && test "$SIZE" = "a b" && echo "$SOIL_JOB $CI"', env: {SIZE: a b}}
- {name: second try, run: 'test -e tried || { touch tried; echo first; exit 1; }; echo second', retries: 2}
- {name: tolerated, run: 'exit 9', allow-failure: true}
- {name: skipped, run: 'echo never', needs: [tolerated]}
- {name: result, run: 'mkdir -p rep/sub; echo one >rep/index.html; echo two >rep/sub/b.txt; ln -s /etc/passwd rep/leak', results: rep/}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, more));
      assert.deepEqual(job.summary, [
        'env 0 passed',
        'second try 0 flaky',
        'tolerated 9 failed',
        'skipped 125 skipped',
        'result 0 passed',
      ]);
      assert.equal(job.status, 0);
      assert.equal(job.record.outcome, 'flaky');
      assert.match(job.output, /skipped +skipped \(it needs "tolerated", whose outcome is failed\)/);
      assert.equal(job.record.tasks[3]?.skipped, 'it needs "tolerated", whose outcome is failed');
      const index = await must('unzip', ['-p', join(job.out, 'job.wwz'), 'index.html']);
      assert.match(index, /it needs &quot;tolerated&quot;, whose outcome is failed/);
      assert.equal(await job.log('env'), 'job true\n');
      assert.equal(job.rows[1]?.tries, 2);
      assert.equal(job.rows[4]?.resultHtml, 'rep/');
      const names = (await must('unzip', ['-Z1', join(job.out, 'job.wwz')])).split('\n');
      for (const name of ['index.html', 'rep/index.html', 'rep/sub/b.txt', '_soil/logs/second try.txt']) {
        assert.ok(names.includes(name), name);
      }
      assert.ok(names.includes('_soil/logs/second try/1.txt'), 'the first try’s log is kept');
      assert.ok(!names.includes('rep/leak'), 'a link to outside of the repository is not followed');
    });

    it('a time-out ends children that trap TERM, called setsid or were orphaned, and the job continues', async (t) => {
      const word = `soil${randomBytes(6).toString('hex')}`;
      // Each child has the word in its command line, ignores TERM, and would run for ten minutes.
      const stubborn = `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done; : ${word}'`;
      const tasks = `
- name: late
  timeout: 1s
  run: |
    trap '' TERM
    ${stubborn} &
    setsid ${stubborn} &
    (setsid ${stubborn} </dev/null >/dev/null 2>&1 &) &
    touch started
    while :; do sleep 1; done
- {name: next, run: 'echo still here'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'grace: 1s'));
      assert.deepEqual(job.summary, ['late 124 timed-out', 'next 0 passed']);
      assert.equal(job.status, 124);
      await access(join(job.repo, 'started'));
      assert.equal(await isProcessRunning(word), false, 'no process of the task is left');
      assert.equal(await job.log('next'), 'still here\n');
      await noContainerLeft();
    });

    it('a task that handles TERM can clean up within its grace time', async (t) => {
      const run = `trap 'echo cleaned up; exit 0' TERM; while :; do sleep 0.1; done`;
      const tasks = `- {name: late, timeout: 1s, run: "${run}"}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'grace: 30s'));
      assert.deepEqual(job.summary, ['late 124 timed-out']);
      // A shell may also print that its `sleep` was terminated.
      assert.match(await job.log('late'), /^cleaned up$/m);
    });

    it('SIGTERM ends the task’s processes, skips the other tasks and records the job as cancelled', async (t) => {
      const word = `soil${randomBytes(6).toString('hex')}`;
      const tasks = `
- {name: first, run: 'true'}
- name: long
  run: |
    setsid sh -c 'trap "" TERM; touch ready; while :; do sleep 1; done; : ${word}' &
    wait
- {name: never, run: 'touch never'}`;
      const started = await startJob(machine, jobYaml(machine, tasks, 'grace: 1s'));
      t.after(() => rm(started.repo, { recursive: true, force: true }));
      await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
      started.signal('SIGTERM');
      const job = await started.ended;
      assert.deepEqual(job.summary, ['first 0 passed', 'long 130 cancelled', 'never 125 skipped']);
      assert.equal(job.record.outcome, 'cancelled');
      assert.match(job.record.reason ?? '', /SIGTERM/);
      assert.equal(job.status, 130);
      assert.equal(await isProcessRunning(word), false);
      await assert.rejects(access(join(started.repo, 'never')));
      await noContainerLeft();
    });

    it('tasks-from runs a command of the repository that lists the tasks, where the tasks run', async (t) => {
      const files = {
        'list.sh': '#!/bin/sh\necho "one ./say.sh uno -"\necho "two ./say.sh due report.html"\n',
        'say.sh': '#!/bin/sh\necho "$1" | tee report.html\n',
      };
      const job = await runJobYaml(t, machine, jobYaml(machine, '', 'tasks-from: ./list.sh'), { files });
      assert.deepEqual(job.summary, ['one 0 passed', 'two 0 passed']);
      assert.equal(job.rows[1]?.resultHtml, 'report.html');
      assert.equal(await job.log('two'), 'due\n');
      const broken = await runJobYaml(t, machine, jobYaml(machine, '', 'tasks-from: echo no; exit 4'));
      assert.equal(broken.record.outcome, 'error');
      assert.equal(broken.status, 125);
      assert.match(
        broken.record.reason ?? '',
        /cannot list the tasks with "echo no; exit 4": failed, exit status 4/,
      );
      const wrong = await runJobYaml(t, machine, jobYaml(machine, '', 'tasks-from: echo one two'));
      assert.match(wrong.record.reason ?? '', /:1: cannot accept task "one two": it has 2 columns/);
    });

    it('a job without tasks is empty, not passed', async (t) => {
      const job = await runJobYaml(t, machine, jobYaml(machine, '', "tasks-from: 'true'"));
      assert.equal(job.record.outcome, 'empty');
      assert.equal(job.status, 125);
      assert.equal(job.record.reason, 'the job has no tasks');
    });

    it('stop-on-failure skips the tasks after a failed one', async (t) => {
      const tasks = `[{name: a, run: 'true'}, {name: b, run: 'false'}, {name: c, run: 'true'}]`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks, 'stop-on-failure: true'));
      assert.deepEqual(job.summary, ['a 0 passed', 'b 1 failed', 'c 125 skipped']);
    });

    it('runs 500 tasks with 50 MB of log and loses nothing', async (t) => {
      const many = Array.from({ length: 500 }, (_, i) => `- {name: t${i}, run: 'echo ${i}'}`).join('\n');
      const tasks = `${many}\n- {name: large, run: 'head -c 50000000 /dev/zero | tr "\\\\0" x'}`;
      const job = await runJobYaml(t, machine, jobYaml(machine, tasks), { timeoutSeconds: 200 });
      assert.equal(job.rows.length, 501);
      assert.ok(job.rows.every((row) => row.outcome === 'passed'));
      assert.equal(await job.log('t499'), '499\n');
      assert.equal((await job.log('large')).length, 50_000_000);
    });

    it('no task sees a token', async (t) => {
      const env = { SOIL_TOKEN: 'tok-en1', SOIL_GITHUB_API_TOKEN: 'tok-en2', GITHUB_TOKEN: 'tok-en3' };
      const job = await runJobYaml(
        t,
        machine,
        jobYaml(machine, `- {name: env, run: 'env; cat /proc/self/environ'}`),
        { env },
      );
      assert.doesNotMatch(await job.log('env'), /tok-en/);
      assert.equal(job.status, 0);
    });

    it('the worker’s git ignores commands that a task wrote to the repository’s configuration', async (t) => {
      const task = `- {name: writes, run: 'printf "[core]\\n\\tfsmonitor = \\"env >ran; false\\"\\n" >>.git/config'}`;
      // Else a container has a layer over .git, which is thrown away.
      const more = machine.engine === undefined ? '' : 'git: writable';
      const job = await runJobYaml(t, machine, jobYaml(machine, task, more), {
        env: { SOIL_TOKEN: 'tok-en1' },
      });
      assert.deepEqual(job.summary, ['writes 0 passed'], job.output);
      assert.match(await readFile(join(job.repo, '.git/config'), 'utf8'), /fsmonitor = "env >ran; false"/);
      assert.ok(!(await readdir(job.repo)).includes('ran'));
      // git itself would have.
      await must('git', ['-C', job.repo, 'ls-files', '--others']);
      assert.ok((await readdir(job.repo)).includes('ran'));
    });

    it('a second run of the job starts with a new folder, and git accepts the repository', async (t) => {
      const job = await runJobYaml(
        t,
        machine,
        jobYaml(machine, `- {name: a, run: 'echo "$GIT_CONFIG_VALUE_0"'}`),
      );
      assert.equal(await job.log('a'), machine.engine === undefined ? '\n' : '/repo\n');
      assert.equal(
        await must('git', ['-C', job.repo, 'status', '--porcelain']),
        '',
        'Soil’s own files do not show',
      );
      assert.deepEqual(
        (await readdir(job.out)).filter((n) => n.includes('tmp') || n.includes('reserve')),
        [],
      );
    });

    if (kind !== 'raw') {
      it('a missing image is an error with a record', async (t) => {
        const yaml = jobYaml(
          { ...machine, image: 'localhost/soil-no-such-image' },
          `- {name: a, run: 'true'}`,
        );
        for (const text of [yaml, yaml.replace('pull: never', 'pull: always')]) {
          const job = await runJobYaml(t, machine, text);
          assert.equal(job.record.outcome, 'error');
          assert.equal(job.status, 125);
          assert.match(job.record.reason ?? '', /image "localhost\/soil-no-such-image"/);
          assert.deepEqual(job.summary, ['a 125 skipped'], 'no row says that the task ran');
          await must('unzip', ['-tq', join(job.out, 'job.wwz')]);
        }
      });

      it('a container that is killed during a task is an error, not a failed task', async (t) => {
        const tasks = `
- {name: first, run: 'true'}
- {name: victim, run: 'touch ready; sleep 600'}
- {name: never, run: 'true'}`;
        const started = await startJob(machine, jobYaml(machine, tasks));
        t.after(() => rm(started.repo, { recursive: true, force: true }));
        await Promise.race([waitForFile(join(started.repo, 'ready')), started.ended]);
        const [name = ''] = await machine.containers();
        await must(kind, ['rm', '--force', name], { env: machine.environment });
        const job = await started.ended;
        assert.deepEqual(job.summary, ['first 0 passed', 'victim 125 error', 'never 125 skipped']);
        assert.equal(job.record.outcome, 'error');
        assert.equal(job.status, 125);
        assert.match(job.record.reason ?? '', /the container or shell exited during the task/);
        await noContainerLeft();
      });

      it('records digest, size and layers of the image', async (t) => {
        const job = await runJobYaml(t, machine, jobYaml(machine, `- {name: a, run: 'true'}`));
        assert.match(job.record.image?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
        assert.ok((job.record.image?.bytes ?? 0) > 500_000);
        assert.equal(job.record.image?.layers.length, 1);
        assert.equal(job.record.image.engine, kind);
        const names = await must('unzip', ['-Z1', join(job.out, 'job.wwz')]);
        assert.match(names, /_soil\/image\.html/);
      });

      it('another user in the container can write logs, whose files belong to the worker’s user', async (t) => {
        const job = await runJobYaml(
          t,
          machine,
          jobYaml(machine, `- {name: who, run: 'id -u'}`, 'user: "1234"'),
        );
        assert.equal(await job.log('who'), '1234\n');
      });
    }
  });
}
