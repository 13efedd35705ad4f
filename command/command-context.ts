/** What the commands of both programs share: their context and their exit statuses. */

/** The outside world as a command sees it; main.ts creates it. Each program adds fields of its own. */
export interface ProgramContext {
  /** environment variables */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** the current working directory */
  readonly cwd: string;
  /** the version of the package */
  readonly version: string;
  /** prints a line on stdout */
  readonly print: (line: string) => void;
  /** prints a line on stderr */
  readonly warn: (line: string) => void;
  /** aborted by the first SIGINT or SIGTERM */
  readonly cancel: AbortSignal;
}

/** The exit statuses of the commands, see docs/commands.md. The commands that run a job return the job's status. */
export const exitStatus = { ok: 0, failed: 1, usage: 2, refused: 3 } as const;

/** Prints the message of a usage error. Returns its exit status. */
export function usageError({ warn }: Pick<ProgramContext, 'warn'>, message: string): number {
  warn(message);
  return exitStatus.usage;
}
