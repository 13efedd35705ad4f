/** The commands that ask a server for what other jobs left there, as the command line has them: wait, artifact. */
import type { CommandKit } from './shared-options.js';

export function addServerCommands(_kit: CommandKit): void {}
