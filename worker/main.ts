#!/usr/bin/env node
/** soil-worker: argv and the environment in; the command's exit status out. Commands are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import type { RunOptions } from './run-command.js';

const version = readVersion();
const stop = new AbortController();
const context: CommandContext = {
  environment: process.env,
  cwd: process.cwd(),
  version,
  now: () => new Date(),
  print: (line) => process.stdout.write(`${line}\n`),
  warn: (line) => process.stderr.write(`${line}\n`),
  readInput,
  colour: process.stdout.isTTY && process.env.CI === undefined && process.env.NO_COLOR === undefined,
  cancel: stop.signal,
};

const program = new Command('soil-worker')
  .description('Runs the jobs of soil.yml in containers, publishes what they did, and merges what passed.')
  .version(version)
  .exitOverride()
  .configureHelp({ helpWidth: 100 })
  .showHelpAfterError('(soil-worker COMMAND --help tells what there is)')
  .addHelpText(
    'after',
    `
Examples:
  soil-worker run dev-minimal                        a job of soil.yml, in its container
  soil-worker run dev-minimal --publish --server https://ci.example.org/
  soil-worker maybe-merge --server https://ci.example.org/ --remote origin

Exit status: 0 fine; of run, the job's own (125: the machinery failed, 130: cancelled); 2 wrong use or configuration.`,
  );

const configOption = new Option('--config <file>', 'read this instead of soil.yml at the root of the repo');
const outOption = new Option('--out <dir>', 'the folder that holds a folder for each job (default: _soil)');

program
  .command('run')
  .description('run a job and write its JSON, TSV and wwz to _soil/JOB/')
  .argument('<job>', 'its name in soil.yml')
  .addOption(new Option('--engine <engine>', 'the container engine').choices(['podman', 'docker']))
  .option('--image <image>', "run in this image instead of the job's own; none: on the raw machine")
  .option('--tasks <file>', 'take the tasks from four columns in a file; - for stdin')
  .addOption(configOption)
  .addOption(outOption)
  .option('--run-id <id>', 'run as a local run of this id (or SOIL_RUN)')
  .option('--attempt <n>', 'the attempt of that run (or SOIL_ATTEMPT; default: 1)')
  .addHelpText(
    'after',
    `
Examples:
  soil-worker run dev-minimal
  soil-worker run unit --image none
  soil/worker.sh cpp-tasks | soil-worker run cpp --tasks - --image localhost/cpp`,
  )
  .action(async (job: string, options: RunOptions) =>
    finish((await import('./run-command.js')).runCommand(job, options, context)),
  );

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it: nothing more is waited for.
    if (stop.signal.aborted) process.exit(130);
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
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
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
