/** What every task host must do, one suite for all: how tasks end, what survives them, and whom a job believes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestEngine } from './engines.js';
import { jobYaml, runJobYaml, startJob, type JobRun, type StartedJob } from './job-fixture.js';
import { isProcessRunning, waitForFile, waitUntil } from './wait-for.js';

export interface TaskHostTraits {
  readonly name: string;
  readonly open: () => Promise<TestEngine>;
  /** tasks share the files of the checkout with this test, as they do unless the host is elsewhere */
  readonly sharesFiles: boolean;
  /** kill -1 ends everything there, so that processes are found without looking for them */
  readonly isContainer: boolean;
}

interface Test {
  readonly after: (fn: () => unknown) => void;
}

const newWord = (): string => `soil${randomBytes(6).toString('hex')}`;

/** A command that ignores TERM, HUP and INT, and has the word in its command line. */
const stubborn = (word: string): string =>
  `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done; : ${word}'`;

/** Starts such processes in every way that leaves the task's group, session, environment or output. */
const leaveProcesses = (word: string): string => `
    ${stubborn(word)} &
    setsid ${stubborn(word)} &
    (setsid ${stubborn(word)} </dev/null >/dev/null 2>&1 &) &
    (env -i PATH="$PATH" setsid ${stubborn(word)} &)
    env -i PATH="$PATH" ${stubborn(word)} >/dev/null 2>&1 &
`;

export function testTaskHost({ name, open, sharesFiles, isContainer }: TaskHostTraits): void {
  describe(`a task host: ${name}`, () => {
    let machine: TestEngine;
    before(async () => {
      machine = await open();
    });
    after(() => machine.close());
    const runTasks = (t: Test, tasks: string, more?: string): Promise<JobRun> =>
      runJobYaml(t, machine, jobYaml(machine, tasks, more));
    const start = async (t: Test, tasks: string, more?: string): Promise<StartedJob> => {
      const job = await startJob(machine, jobYaml(machine, tasks, more));
      t.after(() => rm(job.repo, { recursive: true, force: true }));
      return job;
    };
    const assertNothingLeft = async (word: string): Promise<void> => {
      await waitUntil('every process of the job ends', async () => !(await isProcessRunning(word)));
      assert.deepEqual(await machine.containers(), []);
    };

    it('records exit statuses, and 128 + n for a task that signal n ended', async (t) => {
      const job = await runTasks(
        t,
        `
- {name: passes, run: 'true'}
- {name: fails, run: 'exit 3'}
- {name: killed, run: 'kill -9 $$'}
- {name: terminated, run: 'kill -TERM $$'}
- {name: missing, run: 'no-such-program'}
- {name: syntax, run: 'echo ('}`,
      );
      assert.deepEqual(job.summary, [
        ...['passes 0 passed', 'fails 3 failed', 'killed 137 failed', 'terminated 143 failed'],
        'missing 127 failed',
        'syntax 2 failed',
      ]);
    });

    for (const more of ['', 'parallel: 2']) {
      it(`a task that signals its own group ends alone, and the next one runs${more && `, with ${more}`}`, async (t) => {
        const job = await runTasks(
          t,
          `
- {name: term, run: 'echo begun; kill 0; sleep 60'}
- {name: int, run: 'kill -INT 0; sleep 60'}
- {name: hup, run: 'kill -HUP 0; sleep 60'}
- {name: usr1, run: 'kill -USR1 0; sleep 60'}
- {name: alrm, run: 'kill -ALRM 0; sleep 60'}
- {name: kill, run: 'kill -KILL 0; sleep 60'}
- {name: exits, run: "trap 'kill 0' EXIT; exit 3"}
- {name: last, run: 'echo undisturbed'}`,
          more,
        );
        assert.deepEqual(
          job.rows.map((row) => `${row.task} ${row.status}`),
          [
            ...['term 143', 'int 130', 'hup 129', 'usr1 138', 'alrm 142', 'kill 137'],
            ...['exits 143', 'last 0'],
          ],
        );
        assert.equal(job.record.outcome, 'failed', job.record.reason);
        assert.equal(await job.log('term'), 'begun\n');
        assert.equal(await job.log('last'), 'undisturbed\n');
      });
    }

    it('a task begins with the default action for every signal, and without foreign descriptors', async (t) => {
      const job = await runTasks(
        t,
        `
- {name: look, run: 'grep -E "^Sig(Ign|Blk)" /proc/self/status; for fd in 3 4 5; do if [ -e /proc/$$/fd/$fd ]; then echo "fd $fd"; fi; done'}`,
      );
      const log = await job.log('look');
      assert.match(log, /^SigBlk:\s0{16}\nSigIgn:\s0{16}\n$/);
    });

    it('a time limit ends every process that the task started, and the next task runs', async (t) => {
      const word = newWord();
      const job = await runTasks(
        t,
        `
- name: late
  timeout: 2s
  run: |
    ${leaveProcesses(word).trim()}
    while :; do sleep 1; done
- {name: next, run: 'echo here'}`,
        'grace: 1s',
      );
      assert.deepEqual(job.summary, ['late 124 timed-out', 'next 0 passed']);
      await assertNothingLeft(word);
    });

    it('processes that tasks leave run until the job ends, and no longer', async (t) => {
      const word = newWord();
      const job = await runTasks(
        t,
        `
- name: leaves
  run: |
    ${leaveProcesses(word).trim()}
- {name: next, run: 'ps 2>/dev/null | grep -c ${word} || ps ax | grep -c ${word}'}`,
        'grace: 1s',
      );
      assert.deepEqual(job.summary, ['leaves 0 passed', 'next 0 passed']);
      await assertNothingLeft(word);
    });

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
      it(`${signal} ends the tasks, and the job has a record`, async (t) => {
        const word = newWord();
        const tasks = `
- name: long
  run: |
    ${leaveProcesses(word).trim()}
    echo begun
    touch begun
    while :; do sleep 1; done
- {name: never, run: 'true'}`;
        const started = await start(t, tasks, 'grace: 1s');
        if (sharesFiles) await waitForFile(join(started.repo, 'begun'));
        else await waitUntil('the task begins', () => isProcessRunning(word));
        started.signal(signal);
        const job = await started.ended;
        assert.deepEqual(job.summary, ['long 130 cancelled', 'never 125 skipped']);
        assert.equal(job.record.outcome, 'cancelled');
        assert.match(job.record.reason ?? '', new RegExp(signal));
        await assertNothingLeft(word);
      });
    }

    it('kill -9 of the worker leaves no process and no container', async (t) => {
      const word = newWord();
      const tasks = `
- name: long
  run: |
    ${leaveProcesses(word).trim()}
    touch begun
    while :; do sleep 1; done`;
      const started = await start(t, tasks);
      started.ended.catch(() => undefined);
      if (sharesFiles) await waitForFile(join(started.repo, 'begun'));
      else await waitUntil('the task begins', () => isProcessRunning(word));
      started.signal('SIGKILL');
      await assert.rejects(started.ended, /left no record/);
      await waitUntil('every process ends', async () => !(await isProcessRunning(word)));
      await waitUntil('the container is removed', async () => (await machine.containers()).length === 0);
    });

    // The supervisor is process 1 of a container; elsewhere it is the parent of the task's parent, or that parent.
    const supervisor = isContainer ? '1' : '$(find_supervisor)';
    const findSupervisor = isContainer
      ? ''
      : `find_supervisor() { p=$PPID; while [ "$p" -gt 1 ]; do ` +
        `if tr '\\0' ' ' </proc/$p/cmdline | grep -q -e supervisor.sh -e ssh-host.sh; then echo "$p"; return; fi; ` +
        `p=$(sed 's/.*) . //; s/ .*//' /proc/$p/stat); done; }; `;
    /** Writes a line to the supervisor's standard output, wherever it is open: a pipe can be opened again, a socket cannot. */
    const forge = (line: string): string =>
      `${findSupervisor}s=${supervisor}; (echo '${line}' >/proc/$s/fd/1) 2>/dev/null || echo 'not a pipe'`;

    if (isContainer) {
      it('M10: a process that a task left forges the end of a later task: the job is an error', async (t) => {
        const job = await runTasks(
          t,
          `
- name: leaves
  run: |
    (setsid sh -c 'until [ -e go ]; do sleep 0.05; done; echo "done 2 1 0 -" >/proc/1/fd/1' </dev/null >/dev/null 2>&1 &)
- {name: fails, run: 'touch go; sleep 2; exit 1'}
- {name: never, run: 'true'}`,
        );
        assert.equal(job.record.outcome, 'error');
        assert.match(job.record.reason ?? '', /"done 2 1 0 -" out of turn/);
        assert.equal(job.rows[1]?.outcome, 'error');
        assert.notEqual(job.status, 0);
      });

      for (const line of [
        'gone',
        'began 7',
        'ready 1',
        'bye x',
        'swept',
        '0m9.00s 0m0.00s',
        'x'.repeat(100),
      ]) {
        it(`M10: "${line.slice(0, 20)}" from a task is out of turn, and the job is an error`, async (t) => {
          const job = await runTasks(
            t,
            `
- {name: forges, run: "${forge(line).replaceAll('"', '\\"')}; sleep 1"}
- {name: last, run: 'true'}`,
          );
          assert.equal(job.record.outcome, 'error', job.output);
          assert.match(job.record.reason ?? '', /out of turn/);
        });
      }
    }

    it('isolate: what a task left has ended before the next one begins, and the record says so', async (t) => {
      const word = newWord();
      const job = await runTasks(
        t,
        `
- name: leaves
  run: |
    ${leaveProcesses(word).trim()}
- name: looks
  run: |
    for entry in /proc/[0-9]*; do
      if tr '\\0' ' ' <$entry/cmdline 2>/dev/null | grep -q '[s]${word.slice(1)}'; then echo "alive: $entry"; exit 1; fi
    done
- {name: last, run: 'echo here'}`,
        'isolate: true',
      );
      assert.deepEqual(job.summary, ['leaves 0 passed', 'looks 0 passed', 'last 0 passed']);
      assert.equal(job.record.isolated, true);
      await assertNothingLeft(word);
    });

    if (isContainer) {
      it('M10: with isolate, a task cannot take the next request and answer it', async (t) => {
        // It reads the supervisor's input and answers in its place, until it is ended.
        const thief =
          'exec 3</proc/1/fd/3; while read -r word n try rest <&3; do ' +
          'case $word in run) echo "done $n $try 0 x" >/proc/1/fd/1 ;; esac; done';
        const job = await runTasks(
          t,
          `
- name: steals
  run: |
    (setsid sh -c '${thief}' </dev/null >/dev/null 2>&1 &)
- {name: fails, run: 'exit 1'}`,
          'isolate: true',
        );
        assert.deepEqual(job.summary, ['steals 0 passed', 'fails 1 failed']);
      });

      it('a user without an entry in the passwd file of the image has a home that it can write', async (t) => {
        const job = await runTasks(
          t,
          `- {name: home, run: 'touch "$HOME/file"; ls "$HOME"; test "$HOME" != /repo'}`,
          'user: "4242"',
        );
        assert.deepEqual(job.summary, ['home 0 passed'], await job.log('home'));
        assert.equal(await job.log('home'), 'file\n');
      });

      it('a task can write to nothing in the control folder', async (t) => {
        const write = (path: string): string => `if (: >>${path}) 2>/dev/null; then echo ${path}; fi`;
        const paths = ['/soil/x', '/soil/out/x', '/soil/task/1.sh', '/soil/supervisor.sh', '/soil/memory.1'];
        const job = await runTasks(t, `- {name: writes, run: '${paths.map(write).join('; ')}'}`);
        assert.equal(await job.log('writes'), '');
      });
    }

    it('a task that ends the supervisor is an error, and nothing of it survives', async (t) => {
      if (isContainer) return; // process 1 cannot be signalled from inside
      const word = newWord();
      const job = await runTasks(
        t,
        `
- name: leaves
  run: |
    ${leaveProcesses(word).trim()}
    ${findSupervisor}kill -9 ${supervisor}
    while :; do sleep 1; done
- {name: never, run: 'true'}`,
      );
      assert.deepEqual(job.summary, ['leaves 125 error', 'never 125 skipped']);
      assert.match(job.record.reason ?? '', /exited during the task|the connection to ".*" was lost/);
      await assertNothingLeft(word);
    });

    if (!isContainer) {
      it('a process of another job is left alone', async (t) => {
        const word = newWord();
        const other = await start(
          t,
          `- {name: long, run: 'touch begun; ${stubborn(word).replaceAll("'", "''")}'}`,
        );
        if (sharesFiles) await waitForFile(join(other.repo, 'begun'));
        else await waitUntil('the task begins', () => isProcessRunning(word));
        const job = await runTasks(t, `- {name: late, timeout: 1s, run: 'sleep 60'}`, 'grace: 0s');
        assert.deepEqual(job.summary, ['late 124 timed-out']);
        assert.ok(await isProcessRunning(word));
        other.signal('SIGTERM');
        other.signal('SIGTERM');
        await other.ended;
        await assertNothingLeft(word);
      });
    }

    it('a terminal has a size', async (t) => {
      if (isContainer) return; // the image of these tests has no program `script`
      const job = await runTasks(t, `- {name: size, run: 'stty size', tty: true}`);
      assert.equal(await job.log('size'), '24 80\r\n');
    });

    it('processor time and memory are those of the task', async (t) => {
      const job = await runTasks(
        t,
        `
- {name: busy, run: 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'}
- {name: idle, run: 'true'}`,
      );
      const [busy, idle] = job.rows;
      assert.ok((busy?.userSeconds ?? 0) > 0.05, JSON.stringify(busy));
      assert.ok((idle?.userSeconds ?? 1) < (busy?.userSeconds ?? 0));
      if (sharesFiles) await assert.rejects(readFile(join(job.repo, 'memory.1')));
    });
  });
}
