/** Declares the commands rebuild, check, prune and pin. */
import type { Command } from 'commander';
import type { CheckCommandOptions } from './check-command.js';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from './command-context.js';
import { siteFolder, siteOption, type SiteOption } from './site-option.js';
import type { PruneCommandOptions } from './prune-command.js';

export function addSiteCommands({ command, context, finish }: CommandRegistry<CommandContext>): void {
  command('rebuild', 'rewrite every page from the records; problems go to stderr')
    .argument('[dir]', "folder of the site, or of Soil's shell and Python server")
    .addOption(siteOption())
    .addHelpText(
      'after',
      examples`
    soil-server rebuild /srv/soil`,
    )
    .action(async (dir: string | undefined, options: SiteOption, command: Command) => {
      const folder = siteFolder(command, options, dir);
      return finish((await import('./rebuild-command.js')).rebuildCommand(folder, context));
    });

  command('check', 'compare a site with its log and records, and print the problems, one per line')
    .argument('[dir]', 'use the site in this folder')
    .addOption(siteOption())
    .option('--repair', 'repair what is possible; conflicting files are moved aside, not deleted')
    .addHelpText(
      'after',
      examples`
    soil-server check /srv/soil
    soil-server check /srv/soil --repair`,
    )
    .action(async (dir: string | undefined, options: SiteOption & CheckCommandOptions, command: Command) => {
      const folder = siteFolder(command, options, dir);
      return finish((await import('./check-command.js')).checkCommand(folder, options, context));
    });

  command('prune', 'remove the runs and wwz files that the retention policy of soil-server.yml does not keep')
    .argument('[dir]', 'use the site in this folder')
    .addOption(siteOption())
    .option('--config <file>', 'read the retention policy from this file', 'soil-server.yml')
    .option('--dry-run', 'print what would be removed and why; remove nothing')
    .option('--page <file>', 'write the page of a dry run here (default: .soil/retention.html in the site)')
    .addHelpText(
      'after',
      examples`
    soil-server prune /srv/soil --config /etc/soil-server.yml --dry-run --page plan.html
    soil-server prune /srv/soil --config /etc/soil-server.yml

  For each removed run, a page remains that says when and why it was removed.`,
    )
    .action(async (dir: string | undefined, options: SiteOption & PruneCommandOptions, command: Command) => {
      const folder = siteFolder(command, options, dir);
      return finish((await import('./prune-command.js')).pruneCommand(folder, options, context));
    });

  command('pin', 'keep a run, regardless of the retention policy')
    .argument('<run>', 'HOST/RUN: github/1234, local/2026-01-13; for sourcehut, a job ID or a commit')
    .addOption(siteOption())
    .option('--remove', 'remove the pin')
    .addHelpText(
      'after',
      examples`
    soil-server pin github/1234 --site /srv/soil
    soil-server pin github/1234 --site /srv/soil --remove`,
    )
    .action(async (run: string, options: SiteOption & { readonly remove?: boolean }, command: Command) => {
      const folder = siteFolder(command, options);
      const pin = { run, isPinned: options.remove !== true };
      return finish((await import('./prune-command.js')).pinCommand(folder, pin, context));
    });
}
