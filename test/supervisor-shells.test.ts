/** The supervisor under every POSIX shell, with and without /proc. In a PID namespace of its own, where no mistake can end others. */
// cspell:ignore yntax
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FifoOutput } from '../worker/output/fifo-output.js';
import { TaskLog } from '../worker/output/task-log.js';
import { stopProcesses } from '../worker/host/stop-processes.js';
import { startSupervisor, type Supervisor } from '../worker/host/supervisor.js';
import { cookieEnvironment } from '../worker/host/task-cookie.js';
import type { TryEnd } from '../worker/host/task-try.js';
import { formatScript } from '../worker/runner/task-script.js';
import { repoRoot } from './command.js';
import { isProcessRunning, waitForFile, waitUntil } from './wait-for.js';

const shells: Readonly<Record<string, readonly string[]>> = {
  dash: ['dash'],
  bash: ['bash', '--posix'],
  'busybox sh': ['busybox', 'sh'],
  mksh: ['mksh'],
  yash: ['yash', '--posix'],
  ksh93: ['ksh93'],
  zsh: ['zsh', '--emulate', 'sh'],
};

/** How the supervisor can find processes: in /proc; with `ps` alone; or not at all. */
const views = {
  'with /proc': '',
  'with ps': 'mount -t tmpfs none /proc; PATH="$SOIL_PS:$PATH"; ',
  'with neither': 'mount -t tmpfs none /proc; ',
} as const;
type View = keyof typeof views;

interface Machine {
  readonly supervisor: Supervisor;
  readonly control: string;
  /** runs a task with this number */
  readonly run: (number: number) => Promise<TryEnd>;
  readonly log: (number: number) => Promise<string>;
}

interface Test {
  readonly after: (fn: () => unknown) => void;
}

async function open(
  t: Test,
  {
    shell,
    view = 'with /proc',
    tasks,
    isIsolated = false,
  }: {
    readonly shell: readonly string[];
    readonly view?: View;
    readonly tasks: readonly string[];
    readonly isIsolated?: boolean;
  },
): Promise<Machine> {
  const control = await mkdtemp(join(tmpdir(), 'soil-control-'));
  for (const folder of ['task', 'ps']) await mkdir(join(control, folder));
  for (const [at, run] of tasks.entries())
    await writeFile(join(control, 'task', `${at + 1}.sh`), formatScript({ environment: {}, run }));
  // A ps that sees what the supervisor cannot.
  const ps = join(control, 'ps', 'ps');
  await writeFile(
    ps,
    `#!/bin/sh\nexec unshare -m sh -c 'mount -t proc proc /proc; exec /usr/bin/ps "$@"' sh "$@"\n`,
  );
  await chmod(ps, 0o755);
  const cookie = `word${randomBytes(8).toString('hex')}`;
  const supervisor = await startSupervisor({
    program: 'unshare',
    args: [
      ...[
        '-p',
        '-f',
        '--mount-proc',
        '--kill-child',
        'sh',
        '-c',
        `${views[view]}setsid -w "$@"; exit $?`,
        'sh',
      ],
      ...[...shell, join(repoRoot, 'shims/supervisor.sh'), control, tmpdir(), cookie],
      ...(isIsolated ? ['isolate'] : []),
    ],
    environment: { PATH: process.env.PATH, SOIL_PS: join(control, 'ps'), ...cookieEnvironment(cookie, {}) },
    startSeconds: 60,
  });
  if ('kind' in supervisor) throw new Error(supervisor.reason);
  const output = new FifoOutput({
    folder: join(control, 'out'),
    spare: { folder: join(control, 'spare'), environment: process.env },
    report: () => undefined,
  });
  t.after(async () => {
    await supervisor.close(10);
    await output.close();
    await rm(control, { recursive: true, force: true, maxRetries: 10 });
  });
  return {
    ...{ supervisor, control },
    run: async (number) => {
      const id = { number, try: 1 };
      await output.begin(id, await TaskLog.create({ file: join(control, `${number}.txt`) }));
      const end = await supervisor.run(id);
      await output.end(id);
      return end;
    },
    log: (number) => readFile(join(control, `${number}.txt`), 'utf8'),
  };
}

const newWord = (): string => `soil${randomBytes(6).toString('hex')}`;
const stubborn = (word: string): string =>
  `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done; : ${word}'`;
/** `ps` does not show outputs, so that without /proc a process is lost that has neither parent, session nor environment. */
const leave = (word: string, view: View): string =>
  [
    `${stubborn(word)} &`,
    ...(view === 'with neither'
      ? []
      : [
          `setsid ${stubborn(word)} &`,
          `(setsid ${stubborn(word)} </dev/null >/dev/null 2>&1 &) &`,
          `env -i PATH="$PATH" ${stubborn(word)} >/dev/null 2>&1 &`,
        ]),
    ...(view === 'with /proc' ? [`(env -i PATH="$PATH" setsid ${stubborn(word)} &)`] : []),
  ].join('\n');

const ends = async (word: string): Promise<void> => {
  await waitUntil('every process of the tasks ends', async () => !(await isProcessRunning(word)));
};

for (const [name, shell] of Object.entries(shells)) {
  describe(`supervisor.sh in ${name}`, () => {
    it('reports statuses, and 128 + n for a task that signal n ended', async (t) => {
      const tasks: readonly (readonly [string, number])[] = [
        ['echo a; echo b >&2; cat; pwd', 0],
        ['exit 7', 7],
        ['echo (', 2],
        ['kill -9 $$', 137],
        ['kill 0; sleep 60', 143],
        ['kill -INT 0; sleep 60', 130],
        ['kill -KILL 0; sleep 60', 137],
        [`trap 'kill 0' EXIT; exit 3`, 143],
        ['grep -E "^Sig(Ign|Blk)" /proc/self/status', 0],
      ];
      const machine = await open(t, { shell, tasks: tasks.map(([run]) => run) });
      const statuses: unknown[] = [];
      for (const at of tasks.keys()) {
        const end = await machine.run(at + 1);
        statuses.push(end.kind === 'done' ? end.status : end);
      }
      assert.deepEqual(
        statuses,
        tasks.map(([, status]) => status),
      );
      assert.equal(await machine.log(1), `a\nb\n${tmpdir()}\n`);
      assert.match(await machine.log(3), /syntax error/i);
      // ksh93 leaves two signals ignored that the C library uses for threads.
      assert.match(await machine.log(9), /^SigBlk:\s0{16}\nSigIgn:\s0{7}[01]80{7}\n$|SigIgn:\s0{16}\n$/);
      assert.equal(await machine.supervisor.quit(30), undefined);
    });

    it('measures processor time', async (t) => {
      const machine = await open(t, {
        ...{ shell, tasks: ['i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done', 'true'] },
      });
      const [busy, idle] = [await machine.run(1), await machine.run(2)];
      assert.ok(busy.kind === 'done' && busy.userSeconds > 0.05, JSON.stringify(busy));
      assert.ok(idle.kind === 'done' && idle.userSeconds < busy.userSeconds, JSON.stringify(idle));
    });

    it('signals do not end it where there is no program setsid', async (t) => {
      const machine = await open(t, {
        shell: ['env', `PATH=${await folderOf(t, ['echo', '[', 'printf', 'true'])}`, ...(await paths(shell))],
        tasks: ['kill -TERM 0', 'kill -INT 0', 'kill -HUP 0', 'kill -USR1 0', 'echo here'],
      });
      const statuses: unknown[] = [];
      for (const number of [1, 2, 3, 4, 5]) {
        const end = await machine.run(number);
        statuses.push(end.kind === 'done' ? end.status : end);
      }
      assert.deepEqual(statuses, [143, 130, 129, 138, 0]);
      assert.equal(await machine.log(5), 'here\n');
      assert.equal(await machine.supervisor.quit(30), undefined);
    });

    for (const view of Object.keys(views) as View[]) {
      // Its own ps comes before any other, and shows no environments.
      if (name === 'busybox sh' && view === 'with ps') continue;
      it(`${view}, ends every process of a task, and runs the next one`, async (t) => {
        const word = newWord();
        const machine = await open(t, {
          ...{ shell, view },
          tasks: [`${leave(word, view)}\n: >"$0.begun"; while :; do sleep 1; done`, 'echo here'],
        });
        const running = machine.run(1);
        await waitForFile(join(machine.control, 'task', '1.sh.begun'));
        const left = await stopProcesses(machine.supervisor, 'task', { seconds: 0.5 });
        assert.deepEqual(left, { kind: 'none' });
        assert.equal((await running).kind, 'done');
        await ends(word);
        assert.equal((await machine.run(2)).kind, 'done');
        assert.equal(await machine.log(2), 'here\n');
        assert.equal(await machine.supervisor.quit(30), undefined);
      });
    }

    it('in the scope of a task, leaves the processes of earlier tasks alone', async (t) => {
      const [first, second] = [newWord(), newWord()];
      const machine = await open(t, {
        shell,
        tasks: [leave(first, 'with /proc'), `${leave(second, 'with /proc')}\n: >"$0.begun"; wait; sleep 60`],
      });
      assert.equal((await machine.run(1)).kind, 'done');
      const running = machine.run(2);
      await waitForFile(join(machine.control, 'task', '2.sh.begun'));
      assert.deepEqual(await stopProcesses(machine.supervisor, 'task', { seconds: 0 }), { kind: 'none' });
      await running;
      await ends(second);
      assert.ok(await isProcessRunning(first), 'what the first task left still runs');
      assert.deepEqual(await stopProcesses(machine.supervisor, 'job', { seconds: 0 }), { kind: 'none' });
      await ends(first);
    });

    it('with isolate, ends what a task left before it reports the end', async (t) => {
      const word = newWord();
      const machine = await open(t, { shell, tasks: [leave(word, 'with /proc'), 'true'], isIsolated: true });
      assert.equal((await machine.run(1)).kind, 'done');
      assert.equal(await isProcessRunning(word), false);
      assert.equal((await machine.run(2)).kind, 'done');
      assert.equal(await machine.supervisor.quit(30), undefined);
    });

    it('ends every process when its input ends, during a task and after it', async (t) => {
      const [during, afterwards] = [newWord(), newWord()];
      const one = await open(t, {
        shell,
        tasks: [`${leave(during, 'with /proc')}\n: >"$0.begun"; while :; do sleep 1; done`],
      });
      one.run(1).catch(() => undefined);
      await waitForFile(join(one.control, 'task', '1.sh.begun'));
      await one.supervisor.close(60);
      assert.equal(await isProcessRunning(during), false);
      const two = await open(t, { shell, tasks: [leave(afterwards, 'with /proc')] });
      await two.run(1);
      assert.ok(await isProcessRunning(afterwards));
      await two.supervisor.close(60);
      assert.equal(await isProcessRunning(afterwards), false);
    });

    it('does not start a task without a pipe for its output', async (t) => {
      const { supervisor, control } = await open(t, { shell, tasks: [': >"$0.begun"'] });
      assert.equal((await supervisor.run({ number: 1, try: 1 })).kind, 'unlogged');
      await assert.rejects(readFile(join(control, 'task', '1.sh.begun')));
    });
  });
}

/** Makes a folder with these programs, for a PATH without any other. */
async function folderOf(t: Test, programs: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-bin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const program of programs) await symlink(join('/usr/bin', program), join(folder, program));
  return folder;
}

/** Returns the words with the absolute path of the program. */
async function paths([program = '', ...args]: readonly string[]): Promise<readonly string[]> {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, program);
    if (
      await readFile(path).then(
        () => true,
        () => false,
      )
    )
      return [path, ...args];
  }
  throw new Error(`no program ${program}`);
}

describe('supervisor.sh', () => {
  it('refuses to run in posh, whose kill is another program: kill -KILL -123 would end every process of the user', async (t) => {
    await assert.rejects(open(t, { shell: ['posh'], tasks: [] }), {
      message: 'its shell cannot run tasks: its command "kill" is not a builtin',
    });
  });
});
