/** The worker's side of shims/supervisor.sh: one shell process that runs task after task, spoken to in lines. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { lastLine } from './command.js';

/** How one try of a task ended, as its shell saw it. */
export interface TryEnd {
  readonly kind: 'done';
  /** 0 to 255 */
  readonly status: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** The shell itself ended, and with it whatever it ran: the container was killed, or the engine failed. */
export interface SupervisorLost {
  readonly kind: 'lost';
  readonly reason: string;
}

export interface SupervisorCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Alive from its start until close(); at most one task runs at a time. */
export class Supervisor {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<SupervisorLost>;
  readonly #ready: Promise<number>;
  #line: (line: string) => void = () => undefined;
  #stderr = '';
  /** seconds that children had used before the task that runs now */
  #usedBefore = { user: 0, system: 0 };

  constructor(command: SupervisorCommand) {
    // Its own session: an interrupt typed at the terminal is the worker's to handle, not the tasks'.
    this.#child = spawn(command.program, command.args, {
      env: { ...command.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child.stdin.on('error', () => undefined); // the shell ended first: #ended tells
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-10_000);
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      this.#line(line);
    });
    this.#ready = new Promise((resolve) => {
      this.#line = (line) => {
        const pid = /^ready (\d+)$/.exec(line)?.[1];
        if (pid !== undefined) resolve(Number(pid));
      };
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        resolve({ kind: 'lost', reason: error.message });
      });
      this.#child.on('close', (status, signal) => {
        const how = signal ?? `exit status ${String(status)}`;
        resolve({ kind: 'lost', reason: lastLine(this.#stderr) ?? how });
      });
    });
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** Waits for the shell's first line; returns its process id as it sees it: 1 in a container of its own. */
  async ready(timeoutSeconds: number): Promise<number | SupervisorLost> {
    return Promise.race([
      this.#ready,
      this.#ended,
      after<SupervisorLost>(timeoutSeconds, {
        kind: 'lost',
        reason: `the shell did not start within ${timeoutSeconds} s`,
      }),
    ]);
  }

  /** Runs one try of a task; returns when it is done, whatever its processes left behind. */
  async run(number: number, attempt: number): Promise<TryEnd | SupervisorLost> {
    const lines: string[] = [];
    const done = new Promise<TryEnd>((resolve) => {
      this.#line = (line) => {
        if (lines.length === 0 && !line.startsWith(`done ${number} ${attempt} `)) return;
        lines.push(line);
        if (lines.length < 3) return;
        this.#line = () => undefined;
        resolve(this.#parse(lines));
      };
    });
    this.#child.stdin.write(`${number} ${attempt}\n`);
    return Promise.race([done, this.#ended]);
  }

  /** `done N TRY STATUS`, then the two lines of `times`: the shell's own, and its children's so far. */
  #parse(lines: readonly string[]): TryEnd {
    const [user = 0, system = 0] = [...(lines[2] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
    );
    const before = this.#usedBefore;
    this.#usedBefore = { user, system };
    return {
      kind: 'done',
      status: Number(lines[0]?.split(' ')[3] ?? 125),
      userSeconds: Math.max(0, user - before.user),
      systemSeconds: Math.max(0, system - before.system),
    };
  }

  /** Ends the shell by closing its input; waits at most so many seconds, then kills what was started. */
  async close(timeoutSeconds: number): Promise<void> {
    this.#child.stdin.end();
    const late = await Promise.race([this.#ended, after(timeoutSeconds, 'late' as const)]);
    if (late === 'late') this.#child.kill('SIGKILL');
  }
}

/** A value after so many seconds; keeps no process alive. */
export function after<T>(seconds: number, value: T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000, value).unref();
  });
}
