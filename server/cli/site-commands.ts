/** The commands that look after a site's folder, as the command line has them: rebuild, check, prune, pin. */
import type { Command } from 'commander';
import type { CheckCommandOptions } from './check-command.js';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from './command-context.js';
import { siteFolder, siteOption, type SiteOption } from './site-option.js';
import type { PruneCommandOptions } from './prune-command.js';

export function addSiteCommands({ command, context, finish }: CommandRegistry<CommandContext>): void {
  command('rebuild', 'write all pages again from the records; tells on stderr what is bad')
    .argument('[dir]', "the site's folder, or one of Soil's shell and Python server")
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

  command('check', 'compare a site with its log and its records; tells what is wrong, one line each')
    .argument('[dir]', "the site's folder")
    .addOption(siteOption())
    .option('--repair', 'mend what can be mended; what is in the way is set aside, nothing is thrown away')
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

  command(
    'prune',
    'remove what is beyond the limits of soil-server.yml; each run that goes leaves a page that says so',
  )
    .argument('[dir]', "the site's folder")
    .addOption(siteOption())
    .option('--config <file>', 'where the limits stand', 'soil-server.yml')
    .option('--dry-run', 'tell what would go and why, and remove nothing')
    .option('--page <file>', 'where the page of a dry run goes (default: .soil/retention.html of the site)')
    .addHelpText(
      'after',
      examples`
    soil-server prune /srv/soil --config /etc/soil-server.yml --dry-run --page plan.html
    soil-server prune /srv/soil --config /etc/soil-server.yml`,
    )
    .action(async (dir: string | undefined, options: SiteOption & PruneCommandOptions, command: Command) => {
      const folder = siteFolder(command, options, dir);
      return finish((await import('./prune-command.js')).pruneCommand(folder, options, context));
    });

  command('pin', 'keep a run, whatever the limits say')
    .argument('<run>', 'HOST/RUN: github/1234, local/2026-01-13, or on sourcehut a job id or a commit')
    .addOption(siteOption())
    .option('--remove', 'take the pin away')
    .addHelpText(
      'after',
      examples`
    soil-server pin github/1234 --site /srv/soil
    soil-server pin github/1234 --site /srv/soil --remove`,
    )
    .action(async (run: string, options: SiteOption & { readonly remove?: boolean }, command: Command) => {
      const folder = siteFolder(command, options);
      const wish = { run, isPinned: options.remove !== true };
      return finish((await import('./prune-command.js')).pinCommand(folder, wish, context));
    });
}
