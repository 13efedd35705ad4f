#!/usr/bin/env node
/** soil-server: argv in; the command's exit status out. Commands are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { CheckCommandOptions } from './check-command.js';
import { exit, type CommandContext } from './command-context.js';
import type { DeployOptions } from './deploy-command.js';
import type { PruneCommandOptions } from './prune-command.js';
import type { ServeOptions, ServeWhat } from './serve-command.js';
import type { CreateOptions } from './token-command.js';

const stop = new AbortController();
const context: CommandContext = {
  now: () => Date.now() / 1000,
  print: (line) => process.stdout.write(`${line}\n`),
  warn: (line) => process.stderr.write(`${line}\n`),
  stop: stop.signal,
};

const program = new Command('soil-server')
  .description('Stores what soil-worker publishes in a folder, and keeps its static pages.')
  .version(readVersion())
  .exitOverride()
  .configureHelp({ helpWidth: 100 })
  .showHelpAfterError('(soil-server COMMAND --help tells what there is)')
  .addHelpText(
    'after',
    `
Examples:
  soil-server init --site /srv/soil
  soil-server token create --site /srv/soil --id ci --actions append,event,status
  soil-server serve --site /srv/soil --port 8080

Exit status: 0 fine; 1 it failed; 2 wrong use, or another process has the site.`,
  );

interface SiteOption {
  readonly site?: string;
}
const siteOption = (): Option => new Option('--site <dir>', "the site's folder");

program
  .command('init')
  .description('make a folder a site')
  .argument('[dir]', "the site's folder")
  .addOption(siteOption())
  .addHelpText('after', examples('soil-server init --site /srv/soil', 'soil-server init /srv/soil'))
  .action(async (dir: string | undefined, options: SiteOption, command: Command) => {
    const folder = siteFolder(command, options, dir);
    return finish((await import('./init-command.js')).initCommand(folder, context));
  });

program
  .command('serve')
  .description('serve a site over HTTP and take uploads')
  .argument('[dir]', "the site's folder")
  .addOption(siteOption())
  .option('--config <file>', 'serve the projects of a soil-server.yml')
  .option('--host <address>', 'the address to listen at (default: 127.0.0.1)')
  .option('--port <port>', 'the port to listen at; 0: any that is free (default: 8080)')
  .option('--log-format <format>', 'of the lines on stderr: json, text (default: json)')
  .option('--open-on-loopback', 'take uploads without a token, from this machine only')
  .addHelpText(
    'after',
    examples(
      'soil-server serve --site /srv/soil',
      'soil-server serve --config /etc/soil-server.yml',
      'soil-server serve --site demo --port 0 --open-on-loopback',
    ),
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

program
  .command('rebuild')
  .description('write all pages again from the records; tells on stderr what is bad')
  .argument('[dir]', "the site's folder, or one of Soil's shell and Python server")
  .addOption(siteOption())
  .addHelpText('after', examples('soil-server rebuild /srv/soil'))
  .action(async (dir: string | undefined, options: SiteOption, command: Command) => {
    const folder = siteFolder(command, options, dir);
    return finish((await import('./rebuild-command.js')).rebuildCommand(folder, context));
  });

program
  .command('check')
  .description('compare a site with its log and its records; tells what is wrong, one line each')
  .argument('[dir]', "the site's folder")
  .addOption(siteOption())
  .option('--repair', 'mend what can be mended; what is in the way is set aside, nothing is thrown away')
  .addHelpText('after', examples('soil-server check /srv/soil', 'soil-server check /srv/soil --repair'))
  .action(async (dir: string | undefined, options: SiteOption & CheckCommandOptions, command: Command) => {
    const folder = siteFolder(command, options, dir);
    return finish((await import('./check-command.js')).checkCommand(folder, options, context));
  });

program
  .command('prune')
  .description(
    'remove what is beyond the limits of soil-server.yml; each run that goes leaves a page that says so',
  )
  .argument('[dir]', "the site's folder")
  .addOption(siteOption())
  .option('--config <file>', 'where the limits stand', 'soil-server.yml')
  .option('--dry-run', 'tell what would go and why, and remove nothing')
  .option('--page <file>', 'where the page of a dry run goes (default: .soil/retention.html of the site)')
  .addHelpText(
    'after',
    examples(
      'soil-server prune /srv/soil --config /etc/soil-server.yml --dry-run --page plan.html',
      'soil-server prune /srv/soil --config /etc/soil-server.yml',
    ),
  )
  .action(async (dir: string | undefined, options: SiteOption & PruneCommandOptions, command: Command) => {
    const folder = siteFolder(command, options, dir);
    return finish((await import('./prune-command.js')).pruneCommand(folder, options, context));
  });

program
  .command('pin')
  .description('keep a run, whatever the limits say')
  .argument('<run>', 'HOST/RUN: github/1234, local/2026-01-13, or on sourcehut a job id or a commit')
  .addOption(siteOption())
  .option('--remove', 'take the pin away')
  .addHelpText(
    'after',
    examples(
      'soil-server pin github/1234 --site /srv/soil',
      'soil-server pin github/1234 --site /srv/soil --remove',
    ),
  )
  .action(async (run: string, options: SiteOption & { readonly remove?: boolean }, command: Command) => {
    const folder = siteFolder(command, options);
    const wish = { run, isPinned: options.remove !== true };
    return finish((await import('./prune-command.js')).pinCommand(folder, wish, context));
  });

program
  .command('deploy')
  .description('set up a site on a plain web host over SSH, or bring its pages up to date')
  .argument('<user@host:dir>', 'the folder there that the web server serves')
  .option('--ssh-port <n>', 'the port of the SSH server (default: 22)')
  .option('--ssh-key <file>', 'log in with this key (default: the agent, then ~/.ssh/id_*)')
  .option('--known-hosts <file>', 'the keys of hosts to trust (default: ~/.ssh/known_hosts)')
  .option('--mirror <dir>', 'keep the records here, so that only new ones are fetched the next time')
  .addHelpText(
    'after',
    examples(
      'soil-server deploy soil@www.example.org:/srv/soil',
      'soil-server deploy soil@www.example.org:/srv/soil --mirror ~/soil-mirror',
    ),
  )
  .action(async (address: string, options: DeployOptions) => {
    const ssh = { environment: process.env, cwd: process.cwd() };
    return finish(
      (await import('./deploy-command.js')).deployCommand(address, options, { ...context, ...ssh }),
    );
  });

const token = program
  .command('token')
  .description('who may write to a site: create, list, revoke')
  .addHelpText(
    'after',
    examples(
      'soil-server token create --site /srv/soil --id ci --actions append,event,status',
      'soil-server token list --site /srv/soil',
    ),
  );

token
  .command('create')
  .description('make a token and print it once, on the last line')
  .addOption(siteOption())
  .requiredOption('--id <name>', 'what it is called; two of a name may be alive, for rotation')
  .requiredOption('--actions <list>', 'what it may do: append, event, status, prune')
  .option('--jobs <pattern>', 'for which jobs; * stands for any characters', '*')
  .option('--worker-host <host>', 'for which worker host: github, sourcehut, local (default: any)')
  .option('--expires <days>', 'for how many days (default: until it is revoked)')
  .addHelpText(
    'after',
    examples(
      'soil-server token create --site /srv/soil --id ci --actions append,event,status',
      "soil-server token create --site /srv/soil --id cpp --actions append,event --jobs 'cpp-*' --expires 90",
    ),
  )
  .action(async (options: SiteOption & CreateOptions, command: Command) => {
    const folder = siteFolder(command, options);
    return finish((await import('./token-command.js')).createTokenCommand(folder, options, context));
  });

token
  .command('list')
  .description('what tokens there are, one a line')
  .addOption(siteOption())
  .addHelpText('after', examples('soil-server token list --site /srv/soil'))
  .action(async (options: SiteOption, command: Command) => {
    const folder = siteFolder(command, options);
    return finish((await import('./token-command.js')).listTokensCommand(folder, context));
  });

token
  .command('revoke')
  .description('end the tokens of a name, or one of them; a running server knows within a second')
  .addOption(siteOption())
  .requiredOption('--id <name>', 'which')
  .option('--number <n>', 'only this one of them, as token list tells')
  .addHelpText(
    'after',
    examples(
      'soil-server token revoke --site /srv/soil --id ci',
      'soil-server token revoke --site /srv/soil --id ci --number 1',
    ),
  )
  .action(
    async (options: SiteOption & { readonly id: string; readonly number?: string }, command: Command) => {
      const folder = siteFolder(command, options);
      return finish((await import('./token-command.js')).revokeTokenCommand(folder, options, context));
    },
  );

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it: nothing more is waited for.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

try {
  await program.parseAsync();
} catch (error) {
  // commander has printed its message already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exit.fine : exit.wrongUse;
  else {
    context.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = exit.failed;
  }
}

/** `--site DIR` and `DIR` mean the same; one of them is needed. */
function siteFolder(command: Command, { site }: SiteOption, dir?: string): string {
  if (site !== undefined && dir !== undefined && site !== dir) {
    command.error(`error: --site ${JSON.stringify(site)} and ${JSON.stringify(dir)} are two folders`);
  }
  return site ?? dir ?? command.error("error: the site's folder is missing: --site DIR");
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

async function finish(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
