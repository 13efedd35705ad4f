/** What every file of declarations is handed to add its commands to the program, and what their commands share. */
import { Option, type Command } from 'commander';
import type { SshContext } from '../../ssh/ssh-target.js';
import type { CommandContext } from './command-context.js';

export interface CommandKit {
  readonly program: Command;
  readonly context: CommandContext & SshContext;
  /** hands the exit status on to the process */
  readonly finish: (status: Promise<number>) => Promise<void>;
}

export interface SiteOption {
  readonly site?: string;
}

export const siteOption = (): Option => new Option('--site <dir>', "the site's folder");

/** `--site DIR` and `DIR` mean the same; one of them is needed. */
export function siteFolder(command: Command, { site }: SiteOption, dir?: string): string {
  if (site !== undefined && dir !== undefined && site !== dir) {
    command.error(`error: --site ${JSON.stringify(site)} and ${JSON.stringify(dir)} are two folders`);
  }
  return site ?? dir ?? command.error("error: the site's folder is missing: --site DIR");
}

/** The text below a help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
