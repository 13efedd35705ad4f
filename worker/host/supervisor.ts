/** Starts shims/supervisor.sh and talks to it over its standard input and output. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { lastLine } from '../system/log-tail.js';
import type { HostCommand } from './task-host.js';
import type { Lost, TryEnd, TryRequest } from './task-try.js';

/** The answer of a task's guard: processes are left, none is left, or it cannot signal them here. */
export type GuardAnswer = 'left' | 'gone' | 'refused';

/** A running supervisor. After it has exited, `run` returns `lost`, and `ask` returns undefined. */
export interface Supervisor {
  /** its process id in its own PID namespace: 1 if it is the container's first process */
  readonly pid: number;
  /** Runs a task to its end, without a time limit. */
  run(request: TryRequest): Promise<TryEnd>;
  /** Makes it run no more tasks but keep answering. */
  standBy(): void;
  /** Sends a command to the guard of the current or last task. Returns undefined if it does not answer in time. */
  ask(command: 'term' | 'kill' | 'look', limitSeconds: number): Promise<GuardAnswer | undefined>;
  /** Closes its input and waits for its end. Kills the process (an engine's client, or the shell) at the limit. */
  close(limitSeconds: number): Promise<void>;
}

/** Starts a supervisor and waits until it is ready. Returns `lost` with the reason if it exits or the time is up. */
export async function startSupervisor(command: HostCommand): Promise<Supervisor | Lost> {
  const { program, args, environment, startSeconds } = command;
  // Its own session: Ctrl-C at a terminal must reach only the worker, which then cancels the task.
  const child = spawn(program, args, {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const connection = new SupervisorConnection(child);
  const pid = await Promise.race([connection.ready, connection.lost, timeout(startSeconds)]);
  if (typeof pid === 'number') return connection.supervisor(pid);
  await connection.close(1);
  return pid ?? { kind: 'lost', reason: `not ready within ${startSeconds} s` };
}

class SupervisorConnection {
  readonly ready: Promise<number>;
  readonly lost: Promise<Lost>;
  #isOver = false;
  #becomeReady: (pid: number) => void = () => undefined;
  #taskEnded: ((end: TryEnd) => void) | undefined;
  #answered: ((answer: GuardAnswer) => void) | undefined;
  #running = '';
  /** user and system seconds of all tasks so far, from the builtin `times` */
  #times: readonly [number, number] = [0, 0];
  #timesBefore: readonly [number, number] = [0, 0];
  #stderr = '';
  /** output that is not the supervisor's: docker exec prints its error on stdout */
  #foreignLine: string | undefined;

  constructor(private readonly child: ChildProcess) {
    this.ready = new Promise((resolve) => (this.#becomeReady = resolve));
    child.stdin?.on('error', () => undefined); // `close` reports it
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-8192);
    });
    if (child.stdout !== null)
      createInterface(child.stdout).on('line', (line) => {
        this.#read(line);
      });
    this.lost = new Promise((resolve) => {
      const lose = (why: string): void => {
        this.#isOver = true;
        resolve({ kind: 'lost', reason: lastLine(this.#stderr) ?? this.#foreignLine ?? why });
      };
      child.on('error', (error) => {
        lose(error.message);
      });
      child.on('close', (status, signal) => {
        lose(signal === null ? `exit status ${String(status)}` : `ended by ${signal}`);
      });
    });
  }

  supervisor(pid: number): Supervisor {
    return {
      pid,
      run: ({ number, try: tryNumber, tty = false }) => {
        this.#running = `${number} ${tryNumber}`;
        const ended = new Promise<TryEnd>((resolve) => (this.#taskEnded = resolve));
        // `end` stops the last task's guard, which still answers while processes of that task are left.
        this.#send(`end\nrun ${this.#running}${tty ? ' tty' : ''}`);
        return Promise.race([ended, this.lost]);
      },
      standBy: () => {
        this.#send('rest');
      },
      ask: (command, limitSeconds) => {
        const answer = new Promise<GuardAnswer>((resolve) => (this.#answered = resolve));
        this.#send(command);
        return Promise.race([answer, this.lost.then(() => undefined), timeout(limitSeconds)]);
      },
      close: (limitSeconds) => this.close(limitSeconds),
    };
  }

  async close(limitSeconds: number): Promise<void> {
    this.child.stdin?.end();
    const lost = await Promise.race([this.lost, timeout(limitSeconds)]);
    if (lost !== undefined) return;
    this.child.kill('SIGKILL');
    // A process that inherited its output may keep the pipes open.
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    await Promise.race([this.lost, timeout(5)]);
  }

  #send(line: string): void {
    if (!this.#isOver) this.child.stdin?.write(`${line}\n`);
  }

  #read(line: string): void {
    const [keyword = '', number = '', tryNumber = '', status = '', kib = ''] = line.split(' ');
    switch (keyword) {
      case 'ready':
        this.#becomeReady(Number(number));
        break;
      case 'left':
      case 'gone':
      case 'refused':
        this.#answered?.(keyword);
        break;
      case 'done':
        if (`${number} ${tryNumber}` === this.#running) this.#taskEnded?.(this.#parseEnd(status, kib));
        break;
      default: {
        const times = parseTimes(line);
        if (times !== undefined) this.#times = times;
        else if (line.trim() !== '') this.#foreignLine = line.slice(0, 500);
      }
    }
  }

  #parseEnd(status: string, kib: string): TryEnd {
    const [user, system] = [0, 1].map((i) => (this.#times[i] ?? 0) - (this.#timesBefore[i] ?? 0));
    this.#timesBefore = this.#times;
    if (status === 'terminal') return { kind: 'no-terminal' };
    if (!/^\d{1,3}$/.test(status)) return { kind: 'unlogged' };
    return {
      kind: 'done',
      status: Number(status),
      userSeconds: Math.max(0, user ?? 0),
      systemSeconds: Math.max(0, system ?? 0),
      ...(/^\d{1,15}$/.test(kib) && { maxRssKib: Number(kib) }),
    };
  }
}

/** Parses a line of the builtin `times`, `0m1.250000s 0m0.10s`. Returns user and system time in seconds. */
export function parseTimes(line: string): readonly [number, number] | undefined {
  const [, ...parts] = /^(\d+)m(\d+(?:\.\d+)?)s (\d+)m(\d+(?:\.\d+)?)s$/.exec(line) ?? [];
  if (parts.length !== 4) return undefined;
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = parts.map(Number);
  return [userMinutes * 60 + user, systemMinutes * 60 + system];
}

/** Resolves to undefined after some seconds. Does not keep the process alive. */
export function timeout(seconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, seconds * 1000).unref();
  });
}
