/** Runs commands for tests and returns their exit status and output; every wait has a limit. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository; this file is in dist/test/. */
export const repoRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const soilWorker = join(repoRoot, 'dist', 'worker', 'main.js');
export const soilServer = join(repoRoot, 'dist', 'server', 'main.js');

/** The worker's state must not be in the home folder of the user who runs the tests. Each test file has a folder of its own. */
if (process.env.XDG_STATE_HOME === undefined) {
  const state = mkdtempSync(join(tmpdir(), 'soil-state-'));
  process.env.XDG_STATE_HOME = state;
  process.once('exit', () => {
    rmSync(state, { recursive: true, force: true });
  });
}

export interface CommandOptions {
  readonly cwd?: string;
  /** added to this process's environment; undefined removes a variable */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly timeoutSeconds?: number;
  /** run as another user; this process must be root */
  readonly as?: { readonly uid: number; readonly gid: number };
}

export interface CommandEnd {
  /** null if a signal ended it */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, by default for at most 120 s. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  const child = spawn(program, args, {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: (options.timeoutSeconds ?? 120) * 1000,
    killSignal: 'SIGKILL',
    ...options.as,
  });
  child.stdin.on('error', () => undefined); // the program may end before it reads all
  child.stdin.end(options.input ?? '');
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Runs a program and returns its stdout. Throws an error with its output if it fails. */
export async function must(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const end = await run(program, args, options);
  if (end.status === 0) return end.stdout;
  throw new Error(
    `${[program, ...args].join(' ')} ended with ${String(end.status)}\n${end.stdout}\n${end.stderr}`,
  );
}

export const worker = (args: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> =>
  run(process.execPath, [soilWorker, ...args], options);
