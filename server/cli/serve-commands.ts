/** Declares the commands init, serve and deploy. */
import type { Command } from 'commander';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from './command-context.js';
import { siteFolder, siteOption, type SiteOption } from './site-option.js';
import type { DeployOptions } from './deploy-command.js';
import type { InitOptions } from './init-command.js';
import type { ServeOptions, ServeSource } from './serve-command.js';

export function addServeCommands({ command, context, finish }: CommandRegistry<CommandContext>): void {
  command('init', 'create a site in a folder')
    .argument('[dir]', 'use the site in this folder')
    .addOption(siteOption())
    .option('--force', 'accept a folder that holds other files, which become public')
    .addHelpText(
      'after',
      examples`
    soil-server init --site /srv/soil
    soil-server init /srv/soil`,
    )
    .action(async (dir: string | undefined, options: SiteOption & InitOptions, command: Command) => {
      const folder = siteFolder(command, options, dir);
      return finish((await import('./init-command.js')).initCommand(folder, options, context));
    });

  command('serve', 'serve a site over HTTP and accept uploads')
    .argument('[dir]', 'use the site in this folder')
    .addOption(siteOption())
    .option('--config <file>', 'serve the projects that this soil-server.yml lists')
    .option('--host <address>', 'listen on this address (default: 127.0.0.1)')
    .option('--port <port>', 'listen on this port; 0 for any free port (default: 8080)')
    .option('--log-format <format>', 'write the log on stderr in this format: json or text (default: json)')
    .option(
      '--metrics <who>',
      'let this machine (loopback) or everyone (public) read /metrics without a token (default: loopback)',
    )
    .option('--open-on-loopback', 'accept uploads without a token, from this machine only')
    .addHelpText(
      'after',
      examples`
    soil-server serve --site /srv/soil
    soil-server serve --config /etc/soil-server.yml
    soil-server serve --site demo --port 0 --open-on-loopback`,
    )
    .action(
      async (
        dir: string | undefined,
        options: SiteOption & ServeOptions & { readonly config?: string },
        command: Command,
      ) => {
        const source = serveSource(command, options, dir);
        return finish((await import('./serve-command.js')).serveCommand(source, options, context));
      },
    );

  command('deploy', 'create a site on a plain web host over SSH, or update its pages')
    .argument('<user@host:dir>', 'folder on the host that its web server serves')
    .option('--ssh-port <n>', 'connect to this SSH port (default: 22)')
    .option('--ssh-key <file>', 'log in with this key (default: the SSH agent, then ~/.ssh/id_*)')
    .option('--known-hosts <file>', 'trust the host keys in this file (default: ~/.ssh/known_hosts)')
    .option(
      '--mirror <dir>',
      'keep the fetched records in this folder, so that the next deployment fetches only new ones',
    )
    .addHelpText(
      'after',
      examples`
    soil-server deploy soil@www.example.org:/srv/soil
    soil-server deploy soil@www.example.org:/srv/soil --mirror ~/soil-mirror`,
    )
    .action(async (address: string, options: DeployOptions) =>
      finish((await import('./deploy-command.js')).deployCommand(address, options, context)),
    );
}

/** Returns the site or the configuration file to serve. Ends the program if both are given. */
function serveSource(
  command: Command,
  options: SiteOption & { readonly config?: string },
  dir?: string,
): ServeSource {
  const { config: file } = options;
  if (file === undefined) return { kind: 'site', folder: siteFolder(command, options, dir) };
  if (options.site === undefined && dir === undefined) return { kind: 'config', file };
  return command.error(
    'error: --config and --site cannot be combined: the configuration file lists the sites',
  );
}
