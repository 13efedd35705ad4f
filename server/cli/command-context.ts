/** What a command of soil-server may touch of the world, as main.ts hands it in. */

export interface CommandContext {
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** a line on stdout */
  readonly print: (line: string) => void;
  /** a line on stderr */
  readonly warn: (line: string) => void;
  /** aborted by SIGINT and SIGTERM */
  readonly stop: AbortSignal;
}

/** Exit statuses of the commands. */
export const exit = { fine: 0, failed: 1, wrongUse: 2 } as const;
