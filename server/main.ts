#!/usr/bin/env node
/** soil-server: argv in; the command's exit status out. Commands are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { exit } from './cli/command-context.js';
import type { CommandKit } from './cli/command-registry.js';
import { addServeCommands } from './cli/serve-commands.js';
import { addSiteCommands } from './cli/site-commands.js';
import { addTokenCommands } from './cli/token-commands.js';
import { packageRoot } from '../files/package-root.js';

const stop = new AbortController();
const context: CommandKit['context'] = {
  environment: process.env,
  cwd: process.cwd(),
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

const kit: CommandKit = { program, context, finish };
for (const add of [addServeCommands, addSiteCommands, addTokenCommands]) add(kit);

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

async function finish(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

function readVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
