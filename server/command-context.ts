/** What a soil-server command gets from the process; only main.ts knows where it comes from. */
export interface CommandContext {
  readonly print: (line: string) => void;
  readonly warn: (line: string) => void;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** aborted by SIGINT or SIGTERM */
  readonly stop: AbortSignal;
}

/** A command's exit status; 2 is wrong use, or a site that another process has. */
export type ExitStatus = 0 | 1 | 2;
