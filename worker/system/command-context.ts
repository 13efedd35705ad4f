/** The context that main.ts passes to the commands of soil-worker. */
import type { ProgramContext } from '../../command/command-context.js';

export interface CommandContext extends ProgramContext {
  readonly now: () => Date;
  /** Reads all of stdin, at most a megabyte. */
  readonly readInput: () => Promise<string>;
  /** Shows a temporary line at the bottom of the terminal; does nothing if stderr is not a terminal. */
  readonly status: (text: string) => void;
  /** true if stdout is a terminal and color is not turned off */
  readonly color: boolean;
  /** true if stdin and stdout are a terminal, as an interactive shell needs */
  readonly isInteractive: boolean;
  /** aborted by the second SIGINT or SIGTERM */
  readonly forceCancel?: AbortSignal;
}
