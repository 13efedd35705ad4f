/** What the commands of soil-worker get from main.ts. */
import type { ProgramContext } from '../../command/command-context.js';

export interface CommandContext extends ProgramContext {
  readonly now: () => Date;
  /** Reads all of stdin, at most a megabyte. */
  readonly readInput: () => Promise<string>;
  /** Shows a temporary line at the bottom of the terminal; does nothing where stderr is no terminal. */
  readonly status: (text: string) => void;
  /** stdout is a terminal, and color is not turned off */
  readonly color: boolean;
  /** stdin and stdout are a terminal, so that a shell can be opened */
  readonly isInteractive: boolean;
  /** aborted by the second SIGINT or SIGTERM */
  readonly forceCancel?: AbortSignal;
}
