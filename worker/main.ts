#!/usr/bin/env node
/** soil-worker: argv and the environment in; the command's exit status out. Commands are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command, CommanderError, type Option } from 'commander';
import type { CommandContext } from './system/command-context.js';
import { examples, type CommandKit } from './cli/command-registry.js';
import { addLocalCommands } from './cli/local-commands.js';
import { addJobCommands } from './cli/job-commands.js';
import { addServerCommands } from './cli/server-commands.js';
import { openStatusLine } from './report/status-line.js';
import { addWwzCommands } from './cli/wwz-commands.js';
import { packageRoot } from '../files/package-root.js';

const version = readVersion();
const stop = new AbortController();
const statusLine = openStatusLine(process.stderr, process.env);
const hurry = new AbortController();
let isJobRunning = false;
let endsInOrder = false;
const context: CommandContext = {
  environment: process.env,
  cwd: process.cwd(),
  version,
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
  colour: process.stdout.isTTY && process.env.CI === undefined && process.env.NO_COLOR === undefined,
  isInteractive: isatty(0) && isatty(1),
  cancel: stop.signal,
  hurry: hurry.signal,
};

const program = new Command('soil-worker')
  .description('Runs the jobs of soil.yml in containers, publishes what they did, and merges what passed.')
  .version(version)
  .configureHelp({ helpWidth: 100 })
  .exitOverride()
  .showHelpAfterError('(soil-worker COMMAND --help tells what there is)')
  .addHelpText(
    'after',
    examples`
    soil-worker run dev-minimal                        a job of soil.yml, in its container
    soil-worker run dev-minimal --publish --server https://ci.example.org/
    soil-worker maybe-merge --server https://ci.example.org/ --remote origin

  Exit status: 0 fine; of run, the job's own (125: the machinery failed, 130: cancelled);
  1 not done, not green; 2 wrong use or configuration; 3 the remote refused the merge.
  SOIL_SERVER and SOIL_TOKEN say where to publish, and with which token. No task sees a token.`,
  );

const jobBegins = (): void => {
  isJobRunning = true;
  endsInOrder = true;
};
const heedsCancel = (): void => {
  endsInOrder = true;
};
const kit: CommandKit = { context, command, jobBegins, heedsCancel, finish };
for (const add of [addJobCommands, addServerCommands, addWwzCommands, addLocalCommands]) add(kit);

function command(
  usage: string,
  description: string,
  shared: readonly Option[] = [],
  parent: Command = program,
): Command {
  const made = parent.command(usage).description(description);
  for (const option of shared) made.addOption(option);
  return made;
}

// A reader that went away (`| head`, a closed terminal) must not end the job halfway.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it: no task has its grace any more. The third one costs the record.
    const hasOrderlyEnd = endsInOrder && !hurry.signal.aborted && (isJobRunning || !stop.signal.aborted);
    if (!hasOrderlyEnd) process.exit(130);
    if (stop.signal.aborted) hurry.abort();
    stop.abort(new Error(`${signal} came`));
  });
}

async function finish(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

try {
  await program.parseAsync();
} catch (error) {
  // commander has printed its message already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    context.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 70;
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 1_000_000) throw new Error('cannot read stdin: it is larger than a megabyte');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
