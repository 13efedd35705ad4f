/** Runs a command in a pseudo-terminal by script(1), types keys when a text appears, and returns the output. */
import { spawn } from 'node:child_process';

export interface TerminalEnd {
  /** exit status of the command */
  readonly status: number | null;
  /** the whole output, with control sequences */
  readonly screen: string;
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** keys to type, each once its text appears in the output after the previous keys */
  readonly keys?: readonly { readonly after: RegExp; readonly type: string }[];
  readonly timeoutSeconds?: number;
}

const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export async function runInTerminal(
  program: string,
  args: readonly string[],
  { cwd, env, keys = [], timeoutSeconds = 120 }: TerminalOptions,
): Promise<TerminalEnd> {
  const line = [program, ...args].map(word).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    ...{ cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
    ...{ timeout: timeoutSeconds * 1000, killSignal: 'SIGKILL' },
  });
  let screen = '';
  let seen = 0;
  const left = [...keys];
  const read = (chunk: Buffer): void => {
    screen += chunk.toString();
    const next = left[0];
    if (next === undefined) return;
    if (!next.after.test(screen.slice(seen))) return;
    left.shift();
    seen = screen.length;
    child.stdin.write(next.type);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  child.stdin.on('error', () => undefined);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdin.destroy();
  return { status, screen };
}
