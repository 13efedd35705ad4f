#!/usr/bin/env node
/** Runs a command of soil-server. Each command's code is loaded when it runs. */
import { createProgram, examples, readVersion } from '../command/program.js';
import { listenForSignals } from '../command/signals.js';
import type { CommandContext } from './cli/command-context.js';
import { addServeCommands } from './cli/serve-commands.js';
import { addSiteCommands } from './cli/site-commands.js';
import { addTokenCommands } from './cli/token-commands.js';

const signals = listenForSignals(process, { count: 1, exit: (status) => process.exit(status) });
const context: CommandContext = {
  environment: process.env,
  cwd: process.cwd(),
  version: readVersion(),
  now: () => Date.now() / 1000,
  print: (line) => process.stdout.write(`${line}\n`),
  warn: (line) => process.stderr.write(`${line}\n`),
  cancel: signals.cancel,
};

const { registry, run } = createProgram({
  name: 'soil-server',
  description: 'Stores what soil-worker publishes in a folder, and keeps its static pages up to date.',
  help: examples`
    soil-server init --site /srv/soil
    soil-server token create --site /srv/soil --id ci --actions append,event,status
    soil-server serve --site /srv/soil --port 8080

  Exit status: 0 success; 1 failure; 2 usage error, or another process has locked the site.`,
  context,
  handleSignals: signals.handle,
  crashStatus: 1,
});
for (const add of [addServeCommands, addSiteCommands, addTokenCommands]) add(registry);
process.exitCode = await run();
