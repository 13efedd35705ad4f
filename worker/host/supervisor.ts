/** Starts shims/supervisor.sh and talks to it over its standard input and output. */
import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { quote } from '../../model/result.js';
import { lastLine } from '../system/log-tail.js';
import { readLines } from './line-reader.js';
import { parseReport, type GuardAnswer, type Report } from './report.js';
import { RunningTry, type StartedTry, type TaskTimes } from './running-try.js';
import type { HostCommand, HostLink } from './task-host.js';
import type { Lost, TryEnd, TryRequest } from './task-try.js';

/** A command for the guard, and for which processes: those of the current task, or of all tasks of this supervisor. */
export interface GuardCommand {
  readonly word: 'term' | 'kill' | 'look';
  readonly scope: 'task' | 'job';
}

/** A running supervisor. After it has exited, `run` returns `lost`, and `ask` returns undefined. */
export interface Supervisor extends HostLink {
  /** its process id in its own PID namespace: 1 if it is the container's first process */
  readonly pid: number;
  /** Lists the tries so far, also the one that did not end, each with the process group of its task. */
  tries(): readonly StartedTry[];
  /** Runs a task to its end, without a time limit. `before` are lines for its input that precede the request. */
  run(request: TryRequest, before?: string): Promise<TryEnd>;
  /** Makes it run no more tasks but keep answering. */
  standBy(): void;
  /** Tells it of tries that ran under another supervisor, so that it finds their processes. */
  adopt(tries: readonly StartedTry[]): void;
  /** Sends a command to the guard of the current or last task. Returns undefined if it does not answer in time. */
  ask(command: GuardCommand, limitSeconds: number): Promise<GuardAnswer | undefined>;
  /** Asks it to exit. Returns why its reports cannot be trusted, if it does not confirm that no task runs. */
  quit(limitSeconds: number): Promise<Lost | undefined>;
  /**
   * Closes its input and waits for its end. Kills the process (an engine's client, or the shell) at the limit. Returns
   * whether it ended by itself, with status 0 and without a message.
   */
  close(limitSeconds: number): Promise<boolean>;
}

/** Longer than any report, even one that lists a thousand processes. */
const maxLineLength = 16 * 1024;

/** How long the last output of a supervisor that exited may take. */
const drainSeconds = 1;

/** Starts a supervisor and waits until it is ready. Returns `lost` with the reason if it exits or the time is up. */
export async function startSupervisor(command: HostCommand): Promise<Supervisor | Lost> {
  const { program, args, environment, startSeconds } = command;
  // Its own session: Ctrl-C at a terminal must reach only the worker, which then cancels the task.
  const child = spawn(program, args, {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const connection = new SupervisorConnection(child, command);
  const failed = await Promise.race([command.prepare?.(child), connection.lost]);
  if (failed !== undefined) {
    await connection.close(1);
    return failed;
  }
  connection.begin();
  const pid = await Promise.race([connection.ready, connection.lost, timeout(startSeconds)]);
  if (typeof pid === 'number') return connection.supervisor(pid);
  await connection.close(1);
  return pid ?? { kind: 'lost', reason: `not ready within ${startSeconds} s` };
}

class SupervisorConnection {
  readonly ready: Promise<number>;
  readonly lost: Promise<Lost>;
  #isOver = false;
  #isReady = false;
  #becomeReady: (pid: number) => void = () => undefined;
  #lose: (lost: Lost) => void = () => undefined;
  #running: RunningTry | undefined;
  #answered: ((answer: GuardAnswer) => void) | undefined;
  #saidBye: (() => void) | undefined;
  readonly #tries: StartedTry[] = [];
  #times: TaskTimes = [0, 0];
  #stderr = '';
  /** output that is not the supervisor's: docker exec prints its error on stdout */
  #foreignLine: string | undefined;
  /** sent before the first task begins, and so unknown to what tasks write to the supervisor's output */
  readonly #key = randomBytes(16).toString('hex');

  constructor(
    private readonly child: ChildProcess,
    command: HostCommand,
  ) {
    this.ready = new Promise((resolve) => (this.#becomeReady = resolve));
    child.stdin?.on('error', () => undefined); // `close` reports it
    if (command.stderr !== 'output') {
      child.stderr?.on('data', (chunk: Buffer) => {
        this.#stderr = (this.#stderr + chunk.toString()).slice(-8192);
      });
    }
    this.lost = new Promise((resolve) => {
      this.#lose = (lost) => {
        this.#isOver = true;
        resolve(lost);
      };
    });
    const exit = (why: string): void => {
      const reason = command.explain?.() ?? lastLine(this.#stderr) ?? this.#foreignLine ?? why;
      this.#lose({ kind: 'lost', reason });
    };
    child.on('error', (error) => {
      exit(error.message);
    });
    const ended = (status: number | null, signal: NodeJS.Signals | null): void => {
      exit(signal === null ? `exit status ${String(status)}` : `ended by ${signal}`);
    };
    child.on('close', ended);
    // If a task killed the supervisor, its guard and the task hold its output open: nothing more comes from it then.
    child.on('exit', (status, signal) => {
      child.stdin?.end();
      void timeout(drainSeconds).then(() => {
        ended(status, signal);
      });
    });
  }

  /** Begins the protocol. */
  begin(): void {
    if (this.child.stdout !== null)
      readLines(this.child.stdout, maxLineLength, {
        line: (text) => {
          this.#read(text);
        },
        tooLong: (start) => {
          this.#distrust(start);
        },
      });
    // A command's own use of its pipes ends with a pause, so that nothing is lost in between.
    this.child.stdout?.resume();
    this.#send(`key ${this.#key}`);
  }

  supervisor(pid: number): Supervisor {
    return {
      pid,
      send: (text) => {
        this.#endGuard();
        if (!this.#isOver) this.child.stdin?.write(text);
      },
      tries: () => [...this.#tries, ...(this.#running === undefined ? [] : [this.#running.started])],
      run: (request, before = '') => {
        const { number, try: tryNumber, tty = false, mark = '-' } = request;
        const running = new RunningTry({
          ...{ request, key: this.#key, times: this.#times },
          send: (line) => {
            this.#send(line);
          },
        });
        this.#running = running;
        this.#endGuard();
        this.#send(`${before}run ${number} ${tryNumber} ${tty ? 'tty' : 'pipe'} ${mark}`);
        return Promise.race([running.end, this.lost]);
      },
      standBy: () => {
        this.#send('rest');
      },
      adopt: (tries) => {
        for (const ended of tries) this.#sendLeft(ended);
      },
      ask: ({ word, scope }, limitSeconds) => this.#ask(`${word} ${scope}`, limitSeconds),
      quit: (limitSeconds) => this.#quit(limitSeconds),
      close: (limitSeconds) => this.close(limitSeconds),
    };
  }

  async close(limitSeconds: number): Promise<boolean> {
    this.child.stdin?.end();
    const exited = this.#exited();
    if (await Promise.race([exited, timeout(limitSeconds)])) {
      return this.child.exitCode === 0 && this.#stderr === '';
    }
    this.child.kill('SIGKILL');
    // A process that inherited its output may keep the pipes open.
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    await Promise.race([exited, timeout(5)]);
    return false;
  }

  /** Resolves to true when the process has exited, or was never started. */
  #exited(): Promise<boolean> {
    const { child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
      return Promise.resolve(true);
    return new Promise((resolve) =>
      child.once('exit', () => {
        resolve(true);
      }),
    );
  }

  /** Ends the guard of the last task, which still answers while processes of that task are left. */
  #endGuard(): void {
    this.#send('end');
    const last = this.#tries.at(-1);
    if (last !== undefined) this.#sendLeft(last);
  }

  #sendLeft({ number, try: tryNumber, group }: StartedTry): void {
    if (group !== undefined) this.#send(`left ${number} ${tryNumber} ${group}`);
  }

  async #ask(command: string, limitSeconds: number): Promise<GuardAnswer | undefined> {
    const group = (this.#running?.started ?? this.#tries.at(-1))?.group;
    const answer = new Promise<GuardAnswer>((resolve) => (this.#answered = resolve));
    this.#send(`${command} ${group ?? '-'}`);
    const first = await Promise.race([answer, this.lost.then(() => undefined), timeout(limitSeconds)]);
    // An answer that comes later would be out of turn.
    if (first === undefined) this.#lose({ kind: 'lost', reason: `no answer within ${limitSeconds} s` });
    return first;
  }

  async #quit(limitSeconds: number): Promise<Lost | undefined> {
    if (this.#running !== undefined) return { kind: 'lost', reason: 'its last task did not end' };
    this.#endGuard();
    const bye = new Promise<undefined>((resolve) => {
      this.#saidBye = () => {
        resolve(undefined);
      };
    });
    this.#send('quit');
    const silent: Lost = { kind: 'lost', reason: `it did not confirm its end within ${limitSeconds} s` };
    return Promise.race([bye, this.lost, timeout(limitSeconds).then(() => silent)]);
  }

  #send(line: string): void {
    if (!this.#isOver) this.child.stdin?.write(`${line}\n`);
  }

  #read(line: string): void {
    if (this.#isOver) return;
    const report = parseReport(line);
    if (!this.#isReady) this.#start(line, report);
    else if (report === undefined || !this.#accept(report)) this.#distrust(line);
  }

  #start(line: string, report: Report | undefined): void {
    if (report?.kind === 'ready') {
      this.#isReady = true;
      this.#becomeReady(report.pid);
    } else if (report?.kind === 'unfit') {
      this.#lose({ kind: 'lost', reason: `its shell cannot run tasks: ${report.reason}` });
    } else if (line.trim() !== '') this.#foreignLine = line.slice(0, 500);
  }

  /** A report that comes twice, out of turn or unasked is not the supervisor's: nothing that it reports counts. */
  #distrust(line: string): void {
    const reason = `the supervisor reported ${quote(line, 100)} out of turn: a process that a task started may have forged it`;
    this.#lose({ kind: 'lost', isDistrusted: true, reason });
  }

  /** Takes a report that is expected now. Returns false for any other. */
  #accept(report: Report): boolean {
    const running = this.#running;
    switch (report.kind) {
      case 'answer': {
        const answered = this.#answered;
        this.#answered = undefined;
        answered?.(report.answer);
        return answered !== undefined;
      }
      case 'bye': {
        const saidBye = this.#saidBye;
        this.#saidBye = undefined;
        if (saidBye === undefined || report.key !== this.#key || running !== undefined) return false;
        saidBye();
        return true;
      }
      case 'ready':
      case 'unfit':
        return false;
      case 'began':
      case 'memory':
      case 'ended':
      case 'times':
      case 'done': {
        const state = running?.accept(report);
        if (running === undefined || state === undefined) return false;
        if (state === 'over') {
          this.#running = undefined;
          this.#times = running.times;
          this.#tries.push(running.started);
        }
        return true;
      }
    }
  }
}

/** Resolves to undefined after some seconds. Does not keep the process alive. */
export function timeout(seconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, seconds * 1000).unref();
  });
}
