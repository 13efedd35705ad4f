/** What must become of the output of a task, whatever its shape, in every task host. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import type { LogIndex } from '../model/log-index.js';
import { must } from './command.js';
import type { TestEngine } from './engines.js';
import { jobYaml, runJobYaml, type JobRun } from './job-fixture.js';

interface Test {
  after: (fn: () => unknown) => void;
}

const lateNotice = 'soil: processes that the task left running printed what follows, after its end';
const stolenNotice = 'another process read the pipe of the task, so a part of its output is missing';

/** Defines the tests; call it in the suite of a task host. */
export function testOutput(machine: () => TestEngine): void {
  const runTasks = (t: Test, tasks: string, more?: string): Promise<JobRun> =>
    runJobYaml(t, machine(), jobYaml(machine(), tasks, more));
  /** the bytes of a log, one character each */
  const bytesOf = (job: JobRun, task: string): Promise<string> =>
    readFile(join(job.out, 'logs', `${task}.txt`), 'latin1');
  const indexOf = async (job: JobRun, task: string): Promise<LogIndex> =>
    JSON.parse(
      await must('unzip', ['-p', join(job.out, 'job.wwz'), `_soil/index/logs/${task}.txt.json`]),
    ) as LogIndex;

  it('keeps what a task printed before it opens one of its outputs again', async (t) => {
    const job = await runTasks(
      t,
      `
- {name: real, run: 'echo THE REAL ERROR; echo bye >/dev/stderr; exit 1'}
- {name: tee, run: 'seq 1 300 | tee /dev/stderr'}
- {name: stdout, run: 'echo a; : >/dev/stdout; echo b >/dev/stdout; echo c >>/proc/self/fd/2; echo d'}`,
    );
    assert.deepEqual(job.summary, ['real 1 failed', 'tee 0 passed', 'stdout 0 passed']);
    assert.equal(await job.log('real'), 'THE REAL ERROR\nbye\n');
    const lines = (await job.log('tee')).trim().split('\n');
    assert.deepEqual(
      lines.map(Number).sort((a, b) => a - b),
      Array.from({ length: 600 }, (_, i) => 1 + (i >> 1)),
    );
    assert.equal(await job.log('stdout'), 'a\nb\nc\nd\n');
  });

  it('keeps every byte: binary, NULs, no final line end, a line of 10 MB, and nothing at all', async (t) => {
    const job = await runTasks(
      t,
      String.raw`
- {name: binary, run: "printf 'a\\000b\\377\\r\\n\\033[1mc'"}
- {name: long, run: "head -c 10000000 /dev/zero | tr '\\000' x; echo; echo after"}
- {name: silent, run: 'true'}`,
    );
    assert.equal(job.status, 0, job.output);
    assert.equal(await bytesOf(job, 'binary'), 'a\0b\xff\r\n\x1b[1mc');
    assert.ok((await bytesOf(job, 'long')) === `${'x'.repeat(10_000_000)}\nafter\n`);
    assert.equal(await bytesOf(job, 'silent'), '');
    const { lines, bytes, blocks } = await indexOf(job, 'long');
    assert.deepEqual([lines, bytes, blocks.length], [2, 10_000_007, 39]);
  });

  it('marks what a background process prints after the end of its task, in the log of that task', async (t) => {
    const job = await runTasks(
      t,
      `
- name: first
  run: |
    printf now
    (until [ -e go ]; do sleep 0.02; done; echo late; echo later; touch lived) &
- {name: second, timeout: 60s, run: 'echo second; touch go; until [ -e lived ]; do sleep 0.02; done'}`,
    );
    assert.deepEqual(job.summary, ['first 0 passed', 'second 0 passed'], job.output);
    assert.equal(await job.log('second'), 'second\n');
    assert.equal(await job.log('first'), `now\n${lateNotice}\nlate\nlater\n`);
    const inArchive = await must('unzip', ['-p', join(job.out, 'job.wwz'), '_soil/logs/first.txt']);
    assert.equal(inArchive, await job.log('first'));
    assert.equal((await indexOf(job, 'first')).lateLine, 2);
  });

  it('a background process that prints without end delays neither its task nor the job', async (t) => {
    const job = await runTasks(
      t,
      `
- {name: flood, timeout: 60s, run: 'echo begun; while :; do echo flood; done & sleep 0.2'}
- {name: next, timeout: 60s, run: 'echo undisturbed'}`,
    );
    assert.deepEqual(job.summary, ['flood 0 passed', 'next 0 passed'], job.output);
    const log = await job.log('flood');
    assert.ok(
      log.startsWith('begun\nflood\n') && log.includes(`\n${lateNotice}\nflood\n`),
      log.slice(0, 200),
    );
    assert.equal(await job.log('next'), 'undisturbed\n');
  });

  it('a task that reads its own output ends, and its log is whole or says that it is not', async (t) => {
    const job = await runTasks(
      t,
      `
- {name: reads, timeout: 60s, run: 'cat /proc/$$/fd/1 >/dev/null & sleep 0.2; seq 1 1000; kill $! || true'}
- {name: next, run: 'echo undisturbed'}`,
    );
    assert.equal(job.rows[0]?.outcome, 'passed', job.output);
    const lines = (await job.log('reads')).split('\n').filter((line) => /^\d+$/.test(line));
    // A thief that left the end mark cannot be noticed: what it took is the task's own doing.
    assert.ok(lines.length <= 1000);
    if (job.output.includes(stolenNotice)) assert.match(await job.log('reads'), new RegExp(stolenNotice));
    assert.equal(await job.log('next'), 'undisturbed\n');
  });

  it('a task that removes or replaces pipes and logs changes no log but its own', async (t) => {
    const job = await runTasks(
      t,
      `
- name: first
  run: |
    echo begun
    control=\${SOIL_BUILTIN%/*}
    for name in 1.1 2.1; do
      rm -f "$control/out/$name" && echo planted >"$control/out/$name" || true
    done
    rm -rf "$control/log" "$control/../log" 2>/dev/null || true
    echo done
- {name: second, run: 'echo second; echo bye >/dev/stderr'}`,
    );
    assert.match(await job.log('first').catch(() => 'begun'), /^begun/);
    if (job.record.outcome === 'passed') assert.equal(await job.log('second'), 'second\nbye\n');
    else assert.equal(job.record.outcome, 'error', job.output);
    assert.doesNotMatch(job.output, /planted/);
  });

  it('tasks that run at the same time have a log each', async (t) => {
    const print = (name: string): string => `'i=0; while [ $i -lt 2000 ]; do echo ${name}; i=$((i+1)); done'`;
    const tasks = ['a', 'b', 'c', 'd'].map((name) => `- {name: ${name}, run: ${print(name)}}`).join('\n');
    const job = await runTasks(t, tasks, 'parallel: 4');
    assert.equal(job.status, 0, job.output);
    for (const name of ['a', 'b', 'c', 'd']) assert.equal(await job.log(name), `${name}\n`.repeat(2000));
  });

  it('an excerpt shows what a terminal shows in the end, and the file keeps the bytes', async (t) => {
    const progress = String.raw`printf '10 %%\r50 %%\r100 %%\n'; printf 'work\b\b\b\bdone\n'; printf 'old\r\033[Knew\n'; exit 3`;
    const job = await runTasks(t, `- {name: bar, run: "${progress.replaceAll('\\', '\\\\')}"}`);
    assert.match(job.output, /\n\| 100 %\n\| done\n\| new\n/);
    assert.equal(await bytesOf(job, 'bar'), '10 %\r50 %\r100 %\nwork\b\b\b\bdone\nold\r\x1b[Knew\n');
  });

  it('the line index in the wwz has the lines, times, errors and groups of a log', async (t) => {
    const job = await runTasks(
      t,
      `
- name: indexed
  run: |
    echo '::group::Compile'
    echo 'src/a.c:3:5: error: x undeclared'
    echo '::endgroup::'
    sleep 0.3
    echo 'make: *** [all] Error 2'`,
    );
    const { lines, firstError, lastError, groups, times } = await indexOf(job, 'indexed');
    assert.deepEqual([lines, firstError, lastError, groups], [4, 2, 4, [[1, 3, 'Compile']]]);
    assert.ok(times.length >= 4, 'the last line arrived later');
  });
}
