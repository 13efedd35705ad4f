/** Runs an external program with a time limit and returns its exit status and output. */
import { spawn } from 'node:child_process';
import { lastLine } from './log-tail.js';

export interface ProcessOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutSeconds: number;
  readonly cancel?: AbortSignal;
  readonly cwd?: string;
  /** a file descriptor that receives stdout and stderr; the result's `stdout` and `stderr` are empty then */
  readonly log?: number;
  /** the time between SIGTERM and SIGKILL after a timeout or a cancellation; without it, SIGKILL is sent immediately */
  readonly graceSeconds?: number;
  /** discards the rest of each output after this many bytes, rounded up to a chunk; default: 16 MiB */
  readonly maxOutputBytes?: number;
  /** how stdout becomes text; `latin1` keeps each byte, for paths that are not UTF-8; default: utf8 */
  readonly encoding?: 'utf8' | 'latin1';
}

export interface CommandResult {
  /** the exit status; undefined when the program did not start or was killed by a signal */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** why the program did not start, was killed, or was stopped by its time limit or a cancellation */
  readonly failure?: string;
}

/** Enough for any output of a container engine. */
const defaultOutputBytes = 16 * 1024 * 1024;

/** Runs a program. Never rejects: if the program cannot start, the result has a `failure` and no status. */
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
    const stdout = collectOutput(child.stdout, options);
    const stderr = collectOutput(child.stderr, options);
    let failure: string | undefined;
    const killNow = () => {
      child.kill('SIGKILL');
      // Processes that the program started may keep the pipes open: do not wait for them.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    let graceTimer: NodeJS.Timeout | undefined;
    const stop = (reason: string) => {
      failure ??= reason;
      if (options.graceSeconds === undefined) killNow();
      else {
        child.kill('SIGTERM');
        graceTimer ??= setTimeout(killNow, options.graceSeconds * 1000);
      }
    };
    const timer = setTimeout(() => {
      stop(`timed out after ${options.timeoutSeconds} s`);
    }, options.timeoutSeconds * 1000);
    const onCancel = () => {
      stop('cancelled');
    };
    if (options.cancel?.aborted === true) onCancel();
    options.cancel?.addEventListener('abort', onCancel);
    const finish = (status: number | undefined, reason: string | undefined) => {
      clearTimeout(timer);
      clearTimeout(graceTimer);
      options.cancel?.removeEventListener('abort', onCancel);
      // A program that exits at SIGTERM has a status, but it still timed out or was cancelled.
      const finalFailure = failure ?? (status === undefined ? reason : undefined);
      resolve({
        status,
        stdout: stdout(),
        stderr: stderr(),
        ...(finalFailure === undefined ? {} : { failure: finalFailure }),
      });
    };
    child.on('error', (error) => {
      finish(undefined, error.message);
    });
    child.on('close', (status, signal) => {
      finish(status ?? undefined, signal === null ? undefined : `killed by ${signal}`);
    });
  });
}

function collectOutput(
  stream: NodeJS.ReadableStream | null,
  { maxOutputBytes = defaultOutputBytes, encoding }: ProcessOptions,
): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (bytes < maxOutputBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString(encoding);
}

/** Returns why a command failed, as the end of a sentence. */
export function failureReason(result: CommandResult): string {
  return (
    result.failure ??
    lastLine(result.stderr) ??
    lastLine(result.stdout) ??
    `exit status ${String(result.status)}`
  );
}
