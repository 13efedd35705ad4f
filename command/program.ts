/** Builds a program from its commands: options and help by commander, one exit status out. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, type Option } from 'commander';
import { packageRoot } from '../files/package-root.js';
import { exitStatus, type ProgramContext } from './command-context.js';

/** How a file of declarations adds its commands to a program. */
export interface CommandRegistry<Context extends ProgramContext = ProgramContext> {
  readonly context: Context;
  /** Adds a command to the program, or to `parent`. `usage` is commander's: `name <argument>`. */
  readonly command: (
    usage: string,
    description: string,
    options?: readonly Option[],
    parent?: Command,
  ) => Command;
  /** Sets how many signals the command handles by itself, see signals.ts. */
  readonly handleSignals: (count: number) => void;
  /** Makes a command's result the exit status of the process. */
  readonly finish: (status: Promise<number>) => Promise<void>;
}

export interface ProgramOptions<Context extends ProgramContext> {
  readonly name: string;
  readonly description: string;
  /** the text below the help, see examples() */
  readonly help: string;
  readonly context: Context;
  readonly handleSignals: (count: number) => void;
  /** the exit status after an unexpected error */
  readonly crashStatus: number;
}

export interface Program<Context extends ProgramContext> {
  readonly registry: CommandRegistry<Context>;
  /** Runs the command that `words` name, by default the arguments of the process. Returns its exit status. */
  readonly run: (words?: readonly string[]) => Promise<number>;
}

export function createProgram<Context extends ProgramContext>({
  context,
  handleSignals,
  crashStatus,
  ...text
}: ProgramOptions<Context>): Program<Context> {
  const root = new Command(text.name)
    .description(text.description)
    .version(context.version)
    .exitOverride()
    .configureHelp({ helpWidth: 100 })
    .showHelpAfterError(`(run "${text.name} COMMAND --help" for usage)`)
    .addHelpText('after', text.help);
  let result = 0;
  const registry: CommandRegistry<Context> = {
    context,
    command: (usage, description, options = [], parent = root) => {
      const command = parent.command(usage).description(description);
      for (const option of options) command.addOption(option);
      return command;
    },
    handleSignals,
    finish: async (status) => {
      result = await status;
    },
  };
  const run = async (words?: readonly string[]): Promise<number> => {
    try {
      await (words === undefined ? root.parseAsync() : root.parseAsync(words, { from: 'user' }));
      return result;
    } catch (error) {
      // commander has printed its message.
      if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
      context.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return crashStatus;
    }
  };
  return { registry, run };
}

/** Formats the text below a help: "Examples:" and the lines, without their common indent. */
export function examples([text = '']: TemplateStringsArray): string {
  return `\nExamples:${text.replaceAll('\n  ', '\n')}`;
}

/** Reads the version of the installed package. */
export function readVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
