/** The site's folder on the command line: `--site DIR` or an argument. */
import { Option, type Command } from 'commander';

export interface SiteOption {
  readonly site?: string;
}

export const siteOption = (): Option => new Option('--site <dir>', 'use the site in this folder');

/**
 * Returns the folder from `--site DIR` or the argument `DIR`. Ends the program if there is none, or if the two differ.
 */
export function siteFolder(command: Command, { site }: SiteOption, dir?: string): string {
  if (site !== undefined && dir !== undefined && site !== dir) {
    command.error(
      `error: two site folders given: --site ${JSON.stringify(site)} and ${JSON.stringify(dir)}; pass one`,
    );
  }
  return site ?? dir ?? command.error('error: no site folder given: pass --site DIR');
}
