/** What main.ts passes to each command of soil-server. */
import type { ProgramContext } from '../../command/command-context.js';

export interface CommandContext extends ProgramContext {
  /** Returns the time in seconds since 1970, UTC. */
  readonly now: () => number;
}
