/** What every file of declarations is handed to add its commands to the program. */
import type { Command, Option } from 'commander';
import type { CommandContext } from '../system/command-context.js';

/** How a file of declarations adds its commands to the program; main.ts hands it in. */
export interface CommandKit {
  readonly context: CommandContext;
  /** `usage` as commander has it, `name <argument>`; below `parent` where one is named */
  readonly command: (
    usage: string,
    description: string,
    shared?: readonly Option[],
    parent?: Command,
  ) => Command;
  /** a job has begun: from here on the second signal hurries its end, and does not cost its record */
  readonly jobBegins: () => void;
  /** the command ends by itself, and in order, when `cancel` is aborted; the first signal is the end of any other */
  readonly heedsCancel: () => void;
  /** hands the exit status on to the process */
  readonly finish: (status: Promise<number>) => Promise<void>;
}

/** The text below a help, its common indent taken away. */
export function examples([text = '']: TemplateStringsArray): string {
  return `\nExamples:${text.replaceAll('\n  ', '\n')}`;
}
