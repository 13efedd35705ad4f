/** What a command of soil-worker may touch of the world, as main.ts hands it in. */
import type { Environment } from './git.js';

export interface CommandContext {
  readonly environment: Environment;
  readonly cwd: string;
  readonly version: string;
  readonly now: () => Date;
  /** a line on stdout */
  readonly print: (line: string) => void;
  /** a line on stderr */
  readonly warn: (line: string) => void;
  /** the whole of stdin, at most a megabyte */
  readonly readInput: () => Promise<string>;
  /** a passing line at the bottom of a terminal; nothing where there is none */
  readonly status: (text: string) => void;
  /** stdout is a terminal that wants colours */
  readonly colour: boolean;
  /** stdin and stdout are a terminal: a person can be asked, and a shell opened */
  readonly isInteractive: boolean;
  /** aborted by SIGINT and SIGTERM */
  readonly cancel: AbortSignal;
  /** aborted by the second of them */
  readonly hurry?: AbortSignal;
}

/** Exit statuses of the commands, as docs/gate.md has them. */
export const exit = { fine: 0, failed: 1, wrongUse: 2, refused: 3 } as const;
