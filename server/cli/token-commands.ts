/** The commands for a site's tokens, as the command line has them: token create, list, revoke. */
import type { Command } from 'commander';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from './command-context.js';
import { siteFolder, siteOption, type SiteOption } from './site-option.js';
import type { CreateOptions } from './token-command.js';

export function addTokenCommands({ command, context, finish }: CommandRegistry<CommandContext>): void {
  const token = command('token', 'who may write to a site: create, list, revoke').addHelpText(
    'after',
    examples`
    soil-server token create --site /srv/soil --id ci --actions append,event,status
    soil-server token list --site /srv/soil`,
  );

  command('create', 'make a token and print it once, on the last line', [siteOption()], token)
    .requiredOption('--id <name>', 'what it is called; two of a name may be alive, for rotation')
    .requiredOption('--actions <list>', 'what it may do: append, event, status, prune')
    .option('--jobs <pattern>', 'for which jobs; * stands for any characters', '*')
    .option('--worker-host <host>', 'for which worker host: github, sourcehut, local (default: any)')
    .option('--expires <days>', 'for how many days (default: until it is revoked)')
    .addHelpText(
      'after',
      examples`
    soil-server token create --site /srv/soil --id ci --actions append,event,status
    soil-server token create --site /srv/soil --id cpp --actions append,event --jobs 'cpp-*' --expires 90`,
    )
    .action(async (options: SiteOption & CreateOptions, command: Command) => {
      const folder = siteFolder(command, options);
      return finish((await import('./token-command.js')).createTokenCommand(folder, options, context));
    });

  command('list', 'what tokens there are, one a line', [siteOption()], token)
    .addHelpText(
      'after',
      examples`
    soil-server token list --site /srv/soil`,
    )
    .action(async (options: SiteOption, command: Command) => {
      const folder = siteFolder(command, options);
      return finish((await import('./token-command.js')).listTokensCommand(folder, context));
    });

  command(
    'revoke',
    'end the tokens of a name, or one of them; a running server knows within a second',
    [siteOption()],
    token,
  )
    .requiredOption('--id <name>', 'which')
    .option('--number <n>', 'only this one of them, as token list tells')
    .addHelpText(
      'after',
      examples`
    soil-server token revoke --site /srv/soil --id ci
    soil-server token revoke --site /srv/soil --id ci --number 1`,
    )
    .action(
      async (options: SiteOption & { readonly id: string; readonly number?: string }, command: Command) => {
        const folder = siteFolder(command, options);
        return finish((await import('./token-command.js')).revokeTokenCommand(folder, options, context));
      },
    );
}
