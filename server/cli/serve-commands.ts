/** The commands that set a site up for its readers, as the command line has them: init, serve, deploy. */
import type { Command } from 'commander';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from './command-context.js';
import { siteFolder, siteOption, type SiteOption } from './site-option.js';
import type { DeployOptions } from './deploy-command.js';
import type { InitOptions } from './init-command.js';
import type { ServeOptions, ServeWhat } from './serve-command.js';

export function addServeCommands({ command, context, finish }: CommandRegistry<CommandContext>): void {
  command('init', 'make a folder a site')
    .argument('[dir]', "the site's folder")
    .addOption(siteOption())
    .option('--force', 'also a folder that holds other files: they are public from then on')
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

  command('serve', 'serve a site over HTTP and take uploads')
    .argument('[dir]', "the site's folder")
    .addOption(siteOption())
    .option('--config <file>', 'serve the projects of a soil-server.yml')
    .option('--host <address>', 'the address to listen at (default: 127.0.0.1)')
    .option('--port <port>', 'the port to listen at; 0: any that is free (default: 8080)')
    .option('--log-format <format>', 'of the lines on stderr: json, text (default: json)')
    .option('--open-on-loopback', 'take uploads without a token, from this machine only')
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
        const what = serveWhat(command, options, dir);
        return finish((await import('./serve-command.js')).serveCommand(what, options, context));
      },
    );

  command('deploy', 'set up a site on a plain web host over SSH, or bring its pages up to date')
    .argument('<user@host:dir>', 'the folder there that the web server serves')
    .option('--ssh-port <n>', 'the port of the SSH server (default: 22)')
    .option('--ssh-key <file>', 'log in with this key (default: the agent, then ~/.ssh/id_*)')
    .option('--known-hosts <file>', 'the keys of hosts to trust (default: ~/.ssh/known_hosts)')
    .option('--mirror <dir>', 'keep the records here, so that only new ones are fetched the next time')
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

/** One site, or a file that names them: one of the two. */
function serveWhat(
  command: Command,
  options: SiteOption & { readonly config?: string },
  dir?: string,
): ServeWhat {
  const { config: file } = options;
  if (file === undefined) return { kind: 'site', folder: siteFolder(command, options, dir) };
  if (options.site === undefined && dir === undefined) return { kind: 'config', file };
  return command.error('error: --config names the sites itself: --site does not go with it');
}
