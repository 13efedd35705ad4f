#!/usr/bin/env node
/** Runs a command of soil-worker. Each command's code is loaded when it runs. */
import { isatty } from 'node:tty';
import { createProgram, examples, readVersion } from '../command/program.js';
import { listenForSignals } from '../command/signals.js';
import type { CommandContext } from './system/command-context.js';
import { planSearchPath } from './system/search-path.js';
import { addLocalCommands } from './cli/local-commands.js';
import { addJobCommands } from './cli/job-commands.js';
import { addServerCommands } from './cli/server-commands.js';
import { openStatusLine } from './report/status-line.js';

// A command without a handler exits at the first signal. While a job runs, the first signal cancels it, the second ends
// the tasks' grace period, and the third exits without a record.
const signals = listenForSignals(process, { count: 0, exit: (status) => process.exit(status) });
const statusLine = openStatusLine(process.stderr, process.env);
const context: CommandContext = {
  environment: { ...process.env, PATH: planSearchPath(process.env, process.cwd()).path },
  userPath: process.env.PATH,
  cwd: process.cwd(),
  version: readVersion(),
  now: () => new Date(),
  print: (line) => {
    statusLine.interrupt(() => process.stdout.write(`${line}\n`));
  },
  warn: (line) => {
    statusLine.interrupt(() => process.stderr.write(`${line}\n`));
  },
  status: (text) => {
    statusLine.show(text);
  },
  readInput,
  color: process.stdout.isTTY && process.env.CI === undefined && process.env.NO_COLOR === undefined,
  isInteractive: isatty(0) && isatty(1),
  cancel: signals.cancel,
  forceCancel: signals.forceCancel,
};

// A closed pipe (`| head`) or terminal must not end a running job.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const { registry, run } = createProgram({
  name: 'soil-worker',
  description:
    'Runs the jobs of soil.yml in containers, publishes their results, and merges commits that passed.',
  help: examples`
    soil-worker run dev-minimal                        runs a job of soil.yml in its container
    soil-worker run dev-minimal --publish --server https://ci.example.org/
    soil-worker maybe-merge --server https://ci.example.org/ --remote git@host:repo.git

  Exit status: 0 success; 1 failure; 2 usage or configuration error; 3 the server or the remote refused.
  The commands run and local return the job's status: 125 infrastructure failure, 130 cancelled.
  Environment: SOIL_SERVER is the URL of the server, SOIL_TOKEN the token. It is in the environment of no task, but
  tasks on the raw machine can read it from the worker: see soil-worker announce --help.`,
  context,
  handleSignals: signals.handle,
  crashStatus: 70,
});
for (const add of [addJobCommands, addServerCommands, addLocalCommands]) add(registry);
process.exitCode = await run();

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 1_000_000) throw new Error('cannot read stdin: larger than 1 MB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
