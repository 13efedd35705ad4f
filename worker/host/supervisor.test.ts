import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitForFile } from '../../test/wait-for.js';
import { FifoOutput } from '../output/fifo-output.js';
import { TaskLog } from '../output/task-log.js';
import { formatMount } from './container-host.js';
import { parseTimes, startSupervisor, type Supervisor } from './supervisor.js';
import type { TryEnd } from './task-try.js';

const script = fileURLToPath(new URL('../../../shims/supervisor.sh', import.meta.url));
const shells: Record<string, readonly string[]> = {
  dash: ['dash'],
  'busybox ash': ['busybox', 'ash'],
  bash: ['bash', '--posix'],
};

async function makeControl(tasks: readonly string[]): Promise<string> {
  const control = await mkdtemp(join(tmpdir(), 'soil-control-'));
  for (const folder of ['task', 'out']) await mkdir(join(control, folder));
  for (const [at, text] of tasks.entries()) await writeFile(join(control, 'task', `${at + 1}.sh`), text);
  return control;
}

/** Runs a try with its output in CONTROL/NUMBER.TRY.txt. */
async function runLogged(supervisor: Supervisor, control: string, number: number): Promise<TryEnd> {
  const output = new FifoOutput({
    folder: join(control, 'out'),
    spare: { folder: join(control, `spare-${number}`), environment: process.env },
    report: () => undefined,
  });
  const id = { number, try: 1 };
  await output.begin(id, await TaskLog.create({ file: join(control, `${number}.1.txt`) }));
  try {
    return await supervisor.run(id);
  } finally {
    await output.end(id);
    await output.close();
  }
}

async function start(
  words: readonly string[],
  control: string,
  cookie: readonly string[] = [],
): Promise<Supervisor> {
  const [program = '', ...args] = words;
  const started = await startSupervisor({
    ...{ program, args: [...args, script, control, tmpdir(), '1', ...cookie] },
    ...{ environment: { PATH: process.env.PATH }, startSeconds: 30 },
  });
  if ('kind' in started) throw new Error(started.reason);
  return started;
}

for (const [name, words] of Object.entries(shells)) {
  test(`supervisor.sh in ${name} runs tasks in the working folder, with one log for both outputs and empty input`, async (t) => {
    const control = await makeControl(['echo a; echo b >&2; cat; pwd; exit 7', 'true']);
    t.after(() => rm(control, { recursive: true, force: true }));
    const supervisor = await start(words, control);
    const first = await runLogged(supervisor, control, 1);
    assert.ok(first.kind === 'done' && first.status === 7);
    assert.equal(await readFile(join(control, '1.1.txt'), 'utf8'), `a\nb\n${tmpdir()}\n`);
    const second = await runLogged(supervisor, control, 2);
    assert.ok(second.kind === 'done' && second.status === 0);
    await supervisor.close(10);
    assert.equal((await supervisor.run({ number: 1, try: 2 })).kind, 'lost', 'after close() it is lost');
  });

  test(`supervisor.sh in ${name} never runs kill -1 outside a container`, async (t) => {
    const control = await makeControl(['touch "$0.begun"; read x <"$0.wait"']);
    t.after(() => rm(control, { recursive: true, force: true }));
    const supervisor = await start(words, control);
    const running = runLogged(supervisor, control, 1);
    await waitForFile(join(control, 'task', '1.sh.begun'));
    assert.notEqual(supervisor.pid, 1);
    assert.equal(await supervisor.ask('term', 10), 'refused');
    assert.equal(await supervisor.ask('kill', 10), 'refused');
    assert.equal((await running).kind, 'done');
    await supervisor.close(10);
  });

  test(`supervisor.sh in ${name} does not start a task without a pipe for its output`, async (t) => {
    const control = await makeControl(['touch "$0.begun"']);
    t.after(() => rm(control, { recursive: true, force: true }));
    const supervisor = await start(words, control);
    assert.equal((await supervisor.run({ number: 1, try: 1 })).kind, 'unlogged');
    await assert.rejects(readFile(join(control, 'task', '1.sh.begun')));
    await supervisor.close(10);
  });
}

for (const [name, words] of Object.entries(shells)) {
  test(`supervisor.sh in ${name} with a cookie ends the processes of its own task only`, async (t) => {
    const stubborn = 'trap "" TERM; echo up; while :; do sleep 1; done';
    const control = await makeControl([
      // A process that a task leaves running does not belong to the next task.
      `export SOIL_TASK_COOKIE=word.1.; sleep 600 </dev/null >/dev/null 2>&1 & echo $! >"$0.pid"`,
      `export SOIL_TASK_COOKIE=word.2.; (setsid sh -c '${stubborn}' >/dev/null 2>&1 &) ; setsid sh -c '${stubborn}' & ` +
        `(env -i PATH="$PATH" setsid sh -c '${stubborn}' &); touch "$0.begun"; wait`,
    ]);
    t.after(() => rm(control, { recursive: true, force: true }));
    const supervisor = await start(words, control, ['word']);
    assert.equal((await runLogged(supervisor, control, 1)).kind, 'done');
    const left = Number(await readFile(join(control, 'task', '1.sh.pid'), 'utf8'));
    const running = runLogged(supervisor, control, 2);
    await waitForFile(join(control, 'task', '2.sh.begun'));
    assert.equal(await supervisor.ask('look', 60), 'left');
    let answer = await supervisor.ask('term', 60);
    for (let i = 0; i < 100 && answer !== 'gone'; i++) answer = await supervisor.ask('kill', 60);
    assert.equal(answer, 'gone');
    assert.equal((await running).kind, 'done');
    assert.ok(process.kill(left, 0), 'the process that the first task left still runs');
    process.kill(left, 'SIGKILL');
    await supervisor.close(10);
  });
}

test('startSupervisor() returns why a program does not start', async () => {
  const lost = await startSupervisor({
    ...{ program: '/nowhere/sh', args: [], environment: {}, startSeconds: 5 },
  });
  assert.ok('kind' in lost);
  assert.match(lost.reason, /ENOENT/);
  const silent = await startSupervisor({
    ...{ program: 'sh', args: ['-c', 'echo because >&2; exit 3'], environment: {}, startSeconds: 5 },
  });
  assert.deepEqual(silent, { kind: 'lost', reason: 'because' });
});

test('parseTimes() parses the output of dash, busybox and bash only', () => {
  assert.deepEqual(parseTimes('1m2.500000s 0m0.25s'), [62.5, 0.25]);
  assert.deepEqual(parseTimes('0m0.00s 2m0s'), [0, 120]);
  for (const line of ['', 'done 1 1 0', '0m1s', 'xm1s 0m1s', '0m1s 0m1s 0m1s'])
    assert.equal(parseTimes(line), undefined, line);
});

test('formatMount() quotes any path as one CSV field', () => {
  assert.equal(formatMount('/a b:c', '/repo'), 'type=bind,source=/a b:c,target=/repo');
  assert.equal(formatMount('/a,"b"', '/repo'), 'type=bind,"source=/a,""b""",target=/repo');
});

test('startSupervisor() returns the last line that a failed engine printed, on stdout or stderr', async () => {
  const failing = async (script: string): Promise<string> => {
    const command = { program: 'sh', args: ['-c', script], environment: process.env, startSeconds: 30 };
    const started = await startSupervisor(command);
    return 'kind' in started ? started.reason : 'it started';
  };
  assert.equal(
    await failing('echo OCI runtime exec failed: no room; exit 126'),
    'OCI runtime exec failed: no room',
  );
  assert.equal(
    await failing('echo beside; echo Error: no such container >&2; exit 125'),
    'Error: no such container',
  );
  assert.equal(await failing('exit 126'), 'exit status 126');
});
