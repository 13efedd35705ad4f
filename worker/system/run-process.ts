/** Runs one external command to its end within a limit: arguments in, exit status and what it printed out. */
import { spawn } from 'node:child_process';

export interface ProcessOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutSeconds: number;
  readonly cancel?: AbortSignal;
  readonly cwd?: string;
  /** a file descriptor that gets both outputs instead; nothing of them is kept then */
  readonly log?: number;
  /** the time between TERM and KILL at the limit or when cancelled; absent: KILL at once */
  readonly graceSeconds?: number;
  /** how much of each output is kept; 16 MiB unless told otherwise */
  readonly maxOutputBytes?: number;
}

export interface CommandResult {
  /** exit status; undefined where it could not start, was ended by a signal, or ran out of time */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** why there is no exit status */
  readonly failure?: string;
}

/** Enough for any engine's answer. */
const defaultKeptBytes = 16 * 1024 * 1024;

/** Never throws: a command that cannot start is an end without a status. At its limit it is killed. */
export function runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...options.environment },
      stdio: options.log === undefined ? ['ignore', 'pipe', 'pipe'] : ['ignore', options.log, options.log],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout = keep(child.stdout, options);
    const stderr = keep(child.stderr, options);
    let trouble: string | undefined;
    const killNow = () => {
      child.kill('SIGKILL');
      // A child of its own may hold the pipes open for ever: nobody waits for that.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    let grace: NodeJS.Timeout | undefined;
    const kill = (why: string) => {
      trouble ??= why;
      if (options.graceSeconds === undefined) killNow();
      else {
        child.kill('SIGTERM');
        grace ??= setTimeout(killNow, options.graceSeconds * 1000);
      }
    };
    const timer = setTimeout(() => {
      kill(`it took longer than ${options.timeoutSeconds} s`);
    }, options.timeoutSeconds * 1000);
    const cancelled = () => {
      kill('it was cancelled');
    };
    if (options.cancel?.aborted === true) cancelled();
    options.cancel?.addEventListener('abort', cancelled);
    const end = (status: number | undefined, why: string | undefined) => {
      clearTimeout(timer);
      clearTimeout(grace);
      options.cancel?.removeEventListener('abort', cancelled);
      // One that ended by itself at TERM has a status, and was late or cancelled all the same.
      const told = trouble ?? (status === undefined ? why : undefined);
      resolve({
        status,
        stdout: stdout(),
        stderr: stderr(),
        ...(told === undefined ? {} : { failure: told }),
      });
    };
    child.on('error', (error) => {
      end(undefined, error.message);
    });
    child.on('close', (status, signal) => {
      end(status ?? undefined, signal === null ? undefined : `${signal} ended it`);
    });
  });
}

function keep(
  stream: NodeJS.ReadableStream | null,
  { maxOutputBytes = defaultKeptBytes }: ProcessOptions,
): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (bytes < maxOutputBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString();
}

/** The last line that says something: what engines put their reason in. */
export function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1);
}

/** Why a command failed, in a few words for a sentence. */
export function failureReason(end: CommandResult): string {
  return end.failure ?? lastLine(end.stderr) ?? lastLine(end.stdout) ?? `exit status ${String(end.status)}`;
}
