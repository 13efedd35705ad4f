/** Declares the commands token create, token list and token revoke. */
import type { Command } from 'commander';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from './command-context.js';
import { siteFolder, siteOption, type SiteOption } from './site-option.js';
import type { CreateOptions } from './token-command.js';

export function addTokenCommands({ command, context, finish }: CommandRegistry<CommandContext>): void {
  const token = command(
    'token',
    'create, list and revoke the tokens that permit writing to a site',
  ).addHelpText(
    'after',
    examples`
    soil-server token create --site /srv/soil --id ci --actions append,event,status
    soil-server token list --site /srv/soil`,
  );

  command('create', 'create a token and print it once, on the last line', [siteOption()], token)
    .requiredOption(
      '--id <id>',
      'set the id of the token; two active tokens may have the same id, for rotation',
    )
    .requiredOption(
      '--actions <list>',
      'permit these actions, separated by commas: append, event, status, prune, metrics',
    )
    .option('--jobs <pattern>', 'permit jobs with these names; * matches any characters', '*')
    .option('--worker-host <host>', 'permit only this worker host: github, sourcehut or local (default: any)')
    .option('--expires <days>', 'let the token expire after this many days (default: never)')
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

  command('list', 'list the tokens of a site, one per line', [siteOption()], token)
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
    'revoke the tokens with an id; a running server refuses them immediately',
    [siteOption()],
    token,
  )
    .requiredOption('--id <id>', 'revoke the tokens with this id')
    .option('--number <n>', 'revoke only the token with this number, as printed by token list')
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
