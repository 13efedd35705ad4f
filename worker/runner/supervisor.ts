/** The worker's end of shims/supervisor.sh: a process that was started with it in, the ends of its tasks out. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { lastLine } from '../system/log-tail.js';

/** How one try of a task ended, as far as the place it ran in can tell. */
export type AttemptEnd =
  | {
      readonly kind: 'done';
      readonly status: number;
      readonly userSeconds: number;
      readonly systemSeconds: number;
      /** the largest resident set of one process, where the machine has a program that tells it */
      readonly maxRssKib?: number;
    }
  /** its log could not be opened, so it never began */
  | { readonly kind: 'unlogged' }
  /** it is to have a terminal, and there is no program to give it one */
  | { readonly kind: 'no-terminal' }
  /** supervisor or container went away under it */
  | Lost;

export interface Lost {
  readonly kind: 'lost';
  readonly reason: string;
}

/** What the guard beside a task answers: processes left, none left, or that it may not signal them here. */
export type Answer = 'left' | 'gone' | 'refused';

/** One try of a task: the number of its script, and whether it has a terminal. */
export interface AttemptRequest {
  readonly number: number;
  readonly attempt: number;
  readonly tty?: boolean;
}

/** One running supervisor. Every method may be called after it died: they then tell that it is lost. */
export interface Supervisor {
  /** its process id where it runs: 1 in a container of its own */
  readonly pid: number;
  /** runs a task to its end, however long that takes: the caller keeps the clock */
  run(order: AttemptRequest): Promise<AttemptEnd>;
  /** runs nothing from here on, and listens as it does beside a task */
  rest(): void;
  /** says a word to the guard of the task that runs, or ran last; undefined where it does not answer within the limit */
  tell(word: 'term' | 'kill' | 'look', limitSeconds: number): Promise<Answer | undefined>;
  /** closes its input and waits for its end; kills the process (an engine's client, or the shell) at the limit */
  close(limitSeconds: number): Promise<void>;
}

export interface SupervisorCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** a container may take its time until it is up */
  readonly startSeconds: number;
}

/** Starts a supervisor and waits until it is ready. */
export async function startSupervisor(command: SupervisorCommand): Promise<Supervisor | Lost> {
  const { program, args, environment, startSeconds } = command;
  // Its own session: Ctrl-C at a terminal is the worker's to handle, or the task would be gone before its record.
  const child = spawn(program, args, {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const conversation = new Conversation(child);
  const pid = await Promise.race([conversation.ready, conversation.lost, after(startSeconds)]);
  if (typeof pid === 'number') return conversation.supervisor(pid);
  await conversation.close(1);
  return pid ?? { kind: 'lost', reason: `not ready within ${startSeconds} s` };
}

class Conversation {
  readonly ready: Promise<number>;
  readonly lost: Promise<Lost>;
  #isOver = false;
  #becomeReady: (pid: number) => void = () => undefined;
  #taskEnded: ((end: AttemptEnd) => void) | undefined;
  #answered: ((answer: Answer) => void) | undefined;
  #running = '';
  /** the sums of the builtin `times` for all tasks so far: user and system, seconds */
  #times: readonly [number, number] = [0, 0];
  #timesBefore: readonly [number, number] = [0, 0];
  #stderr = '';
  /** what is no word of a supervisor: docker's exec tells why it failed on stdout */
  #strayLine: string | undefined;

  constructor(private readonly child: ChildProcess) {
    this.ready = new Promise((resolve) => (this.#becomeReady = resolve));
    child.stdin?.on('error', () => undefined); // told by its end
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-8192);
    });
    if (child.stdout !== null)
      createInterface(child.stdout).on('line', (line) => {
        this.#read(line);
      });
    this.lost = new Promise((resolve) => {
      const end = (why: string): void => {
        this.#isOver = true;
        resolve({ kind: 'lost', reason: lastLine(this.#stderr) ?? this.#strayLine ?? why });
      };
      child.on('error', (error) => {
        end(error.message);
      });
      child.on('close', (status, signal) => {
        end(signal === null ? `exit status ${String(status)}` : `ended by ${signal}`);
      });
    });
  }

  supervisor(pid: number): Supervisor {
    return {
      pid,
      run: ({ number, attempt, tty = false }) => {
        this.#running = `${number} ${attempt}`;
        const ended = new Promise<AttemptEnd>((resolve) => (this.#taskEnded = resolve));
        // The guard of the task before has listened until now: its task may have been done, but not all it started.
        this.#say(`end\nrun ${this.#running}${tty ? ' tty' : ''}`);
        return Promise.race([ended, this.lost]);
      },
      rest: () => {
        this.#say('rest');
      },
      tell: (word, limitSeconds) => {
        const answer = new Promise<Answer>((resolve) => (this.#answered = resolve));
        this.#say(word);
        return Promise.race([answer, this.lost.then(() => undefined), after(limitSeconds)]);
      },
      close: (limitSeconds) => this.close(limitSeconds),
    };
  }

  async close(limitSeconds: number): Promise<void> {
    this.child.stdin?.end();
    const timely = await Promise.race([this.lost, after(limitSeconds)]);
    if (timely !== undefined) return;
    this.child.kill('SIGKILL');
    // Whoever inherited its output may keep the pipes open for ever.
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    await Promise.race([this.lost, after(5)]);
  }

  #say(line: string): void {
    if (!this.#isOver) this.child.stdin?.write(`${line}\n`);
  }

  #read(line: string): void {
    const [word = '', number = '', attempt = '', status = '', kib = ''] = line.split(' ');
    switch (word) {
      case 'ready':
        this.#becomeReady(Number(number));
        break;
      case 'left':
      case 'gone':
      case 'refused':
        this.#answered?.(word);
        break;
      case 'done':
        if (`${number} ${attempt}` === this.#running) this.#taskEnded?.(this.#endOf(status, kib));
        break;
      default: {
        const times = parseTimes(line);
        if (times !== undefined) this.#times = times;
        else if (line.trim() !== '') this.#strayLine = line.slice(0, 500);
      }
    }
  }

  #endOf(status: string, kib: string): AttemptEnd {
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

/** A line of the builtin `times`, `0m1.250000s 0m0.10s`, as seconds; the last line before `done` is the children's. */
export function parseTimes(line: string): readonly [number, number] | undefined {
  const [, ...parts] = /^(\d+)m(\d+(?:\.\d+)?)s (\d+)m(\d+(?:\.\d+)?)s$/.exec(line) ?? [];
  if (parts.length !== 4) return undefined;
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = parts.map(Number);
  return [userMinutes * 60 + user, systemMinutes * 60 + system];
}

/** Undefined after so many seconds; keeps no process alive. */
export function after(seconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, seconds * 1000).unref();
  });
}
