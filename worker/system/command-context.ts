/** The context that main.ts passes to the commands of soil-worker. */
import type { ProgramContext } from '../../command/command-context.js';

export interface CommandContext extends ProgramContext {
  /** the environment of the worker's own programs: its PATH has no folder of the repo, see search-path.ts */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** the user's PATH, which tasks on the raw machine keep */
  readonly userPath: string | undefined;
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
