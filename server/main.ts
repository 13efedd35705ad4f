#!/usr/bin/env node
/** soil-server: argv in; the command's exit status out. Commands are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.js';
import type { ServeOptions } from './serve-command.js';
import type { CreateOptions } from './token-command.js';

const stop = new AbortController();
const context: CommandContext = {
  print: (line) => process.stdout.write(`${line}\n`),
  warn: (line) => process.stderr.write(`${line}\n`),
  now: () => Date.now() / 1000,
  stop: stop.signal,
};

const program = new Command('soil-server')
  .description('Checks and stores what soil-worker uploads, and keeps a static site of it.')
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

Exit status: 0 fine; 1 nothing to do; 2 wrong use, or the site is another process's.`,
  );

program
  .command('init')
  .description('make a folder a site')
  .argument('[dir]', 'the folder')
  .option('--site <dir>', 'the same')
  .addHelpText('after', '\nExample:\n  soil-server init --site /srv/soil')
  .action(async (dir: string | undefined, options: { site?: string }) => {
    const { init } = await import('./site-command.js');
    await finish(init(folderOf(dir, options.site), context));
  });

program
  .command('serve')
  .description('accept uploads, and serve the site')
  .argument('[dir]', "the site's folder")
  .option('--site <dir>', 'the same')
  .option('--host <address>', 'the address to listen on', '127.0.0.1')
  .option('--port <n>', 'the port to listen on; 0: any that is free', '8080')
  .option('--open-on-loopback', 'ask nobody for a token; only on a loopback address', false)
  .addHelpText(
    'after',
    `
Examples:
  soil-server serve --site /srv/soil --port 8080
  soil-server serve --site ./site --port 0 --open-on-loopback      to try things out`,
  )
  .action(async (dir: string | undefined, options: ServeOptions & { site?: string }) => {
    const { serve } = await import('./serve-command.js');
    await finish(serve(folderOf(dir, options.site), options, context));
  });

program
  .command('rebuild')
  .description("write every page again from the records alone; also of another Soil's records")
  .argument('[dir]', "the site's folder")
  .option('--site <dir>', 'the same')
  .addHelpText('after', '\nExample:\n  soil-server rebuild /srv/soil')
  .action(async (dir: string | undefined, options: { site?: string }) => {
    const { rebuild } = await import('./site-command.js');
    await finish(rebuild(folderOf(dir, options.site), context));
  });

const token = program.command('token').description('who may upload: create, list and revoke tokens');
token
  .command('create')
  .description('make a token, and print it once, as the last line')
  .requiredOption('--site <dir>', "the site's folder")
  .requiredOption('--id <name>', 'its name in lists and logs; two of one name may live at once')
  .requiredOption('--actions <list>', 'of append, event, status, admin')
  .option('--worker-host <host>', 'only for github, sourcehut or local')
  .option('--jobs <pattern>', 'only for jobs of this name; * stands for any characters')
  .option('--expires <days>', 'valid for so many days')
  .addHelpText(
    'after',
    "\nExample:\n  soil-server token create --site /srv/soil --id ci --actions append,event,status --jobs 'cpp-*' --expires 90",
  )
  .action(async (options: CreateOptions) => {
    const { createToken } = await import('./token-command.js');
    await finish(createToken(options, context));
  });
token
  .command('list')
  .description('list tokens: id, actions, host, jobs, when made, whether valid')
  .requiredOption('--site <dir>', "the site's folder")
  .action(async ({ site }: { site: string }) => {
    const { listTokens } = await import('./token-command.js');
    await finish(listTokens(site, context));
  });
token
  .command('revoke')
  .description('end every token of an id, within a second, also of a server that runs')
  .requiredOption('--site <dir>', "the site's folder")
  .requiredOption('--id <name>', 'the id')
  .action(async ({ site, id }: { site: string; id: string }) => {
    const { revokeTokens } = await import('./token-command.js');
    await finish(revokeTokens(site, id, context));
  });

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

try {
  await program.parseAsync();
} catch (error) {
  // commander has printed its own message already.
  if (!(error instanceof CommanderError))
    context.warn(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
}

async function finish(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

function folderOf(argument: string | undefined, option: string | undefined): string {
  if (argument !== undefined && option !== undefined && argument !== option) {
    return program.error(`cannot use two folders: ${JSON.stringify(argument)} and ${JSON.stringify(option)}`);
  }
  return argument ?? option ?? program.error('cannot tell the folder: name it, or use --site');
}

/** The package's own, seen from dist/server/. */
function readVersion(): string {
  const json = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return json.version;
}
