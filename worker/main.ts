#!/usr/bin/env node
/** soil-worker: argv and the environment in; the command's exit status out. Commands are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command, CommanderError, type Option } from 'commander';
import type { CommandContext } from './command-context.js';
import type { MergeOptions } from './merge-command.js';
import type { PublishOptions } from './publish-target.js';
import type { RunJobsOptions } from './run-jobs.js';
import { addDeskCommands } from './desk-commands.js';
import { addServerCommands } from './server-commands.js';
import { openStatusLine } from './status-line.js';
import {
  attempt,
  config,
  engine,
  examples,
  image,
  json,
  out,
  publishLimit,
  runId,
  server,
  ssh,
  tokenFile,
  type CommandKit,
} from './shared-options.js';

const version = readVersion();
const stop = new AbortController();
const statusLine = openStatusLine(process.stderr, process.env);
const hurry = new AbortController();
let isJobRunning = false;
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

command('run <job...>', 'run jobs one after another, and write JSON, TSV and wwz of each to _soil/JOB/', [
  config(),
  out(),
  runId(),
  attempt(),
  server(),
  tokenFile(),
  publishLimit(),
  ...ssh(),
])
  .option(
    '--publish',
    'publish the results when the job has ended, and tell the server what happens meanwhile',
  )
  .addOption(engine())
  .addOption(image())
  .option('--clean', 'first remove what earlier jobs made here and git does not know (default on CI hosts)')
  .option('--no-clean', 'leave it (default at the desk)')
  .option('--tasks <file>', 'take the tasks from four columns in a file; - for stdin')
  .addHelpText(
    'after',
    examples`
    soil-worker run dev-minimal
    soil-worker run unit --image none
    soil-worker run unit lint docs                     all of them, whatever each comes to
    soil-worker run unit --json | jq .outcome
    soil-worker run dev-minimal --publish --server https://ci.example.org/
    soil/worker.sh cpp-tasks | soil-worker run cpp --tasks - --image localhost/cpp`,
  )
  .addOption(json())
  .action(async (jobs: string[], options: RunJobsOptions) => {
    isJobRunning = true;
    await finish((await import('./run-jobs.js')).runJobsCommand(jobs, options, context));
  });

command('publish <job>', 'publish what an earlier run left in _soil/JOB/', [
  server(),
  tokenFile(),
  out(),
  config(),
  publishLimit(),
  ...ssh(),
])
  .addHelpText(
    'after',
    examples`
    soil-worker publish dev-minimal --server https://ci.example.org/
    soil-worker publish dev-minimal --ssh soil@example.org:/srv/soil`,
  )
  .action(async (job: string, options: PublishOptions) => {
    await finish((await import('./publish-command.js')).publishCommand(job, options, context));
  });

command('list-jobs', 'print the names of the jobs in soil.yml', [config()])
  .option('--json', 'as JSON, with images and needs')
  .addHelpText(
    'after',
    examples`
    soil-worker list-jobs --json`,
  )
  .action(async (options: { readonly json?: boolean; readonly config?: string }) => {
    await finish((await import('./list-jobs.js')).listJobsCommand(options, context));
  });

command('did-all-succeed <tsv...>', 'tell by their TSVs whether all tasks of some jobs passed', [json()])
  .addHelpText(
    'after',
    examples`
    soil-worker did-all-succeed _soil/*/*.tsv
    soil-worker did-all-succeed _soil/unit/unit.tsv --json`,
  )
  .action(async (files: string[], options: { readonly json?: boolean }) => {
    await finish((await import('./did-all-succeed.js')).didAllSucceedCommand(files, options, context));
  });

command('maybe-merge', 'move the target branch to a commit that passed, or say why not', [
  server(),
  runId(),
  attempt(),
  config(),
  tokenFile(),
  json(),
])
  .option('--remote <url>', 'the repo whose branch is moved, by git push')
  .option(
    '--github <owner/name>',
    'the same by the API of GitHub, with SOIL_GITHUB_API_TOKEN or --token-file',
  )
  .option('--github-api <url>', 'where that API is (or GITHUB_API_URL)')
  .option('--commit <commit>', 'the candidate (default: HEAD)')
  .option('--branch <branch>', "the candidate's branch (default: as the CI host or git says)")
  .option('--to <branch>', 'the branch to move (default: as soil.yml says); its own soil.yml must name it')
  .option('--host <host>', 'the host of the run that --run-id names: github, sourcehut or local')
  .option('--max-age <duration>', 'an older status does not count')
  .option('--wait <duration>', 'wait so long for jobs that have not reported')
  .addHelpText(
    'after',
    examples`
    soil-worker maybe-merge --server https://ci.example.org/ --remote origin
    soil-worker maybe-merge --github OWNER/NAME --wait 30m

  Exit status: 0 merged, there already, or nothing to do; 1 not green; 2 wrong use or configuration;
  3 refused by the remote, or the target moved.`,
  )
  .action(async (options: MergeOptions) => {
    await finish((await import('./merge-command.js')).mergeCommand(options, context));
  });

command('archive <dir>', 'write a wwz of a folder')
  .requiredOption('-o, --output <file>', 'the wwz to write')
  .addHelpText(
    'after',
    examples`
    soil-worker archive _report -o report.wwz`,
  )
  .action(async (folder: string, options: { readonly output: string }) => {
    await finish((await import('./archive-command.js')).archiveCommand(folder, options, context));
  });

command('extract <file> <dir>', 'unpack a wwz into a folder, once every byte of it was checked')
  .addHelpText(
    'after',
    examples`
    soil-worker extract _soil/unit/unit.wwz unpacked

  The folder must be empty or not there yet: nothing is overwritten, and no name leads out of it.`,
  )
  .action(async (file: string, folder: string) => {
    await finish((await import('./archive-command.js')).extractCommand(file, folder, context));
  });

const kit: CommandKit = { context, command, finish };
addDeskCommands(kit);
addServerCommands(kit);

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
    if (hurry.signal.aborted || (stop.signal.aborted && !isJobRunning)) process.exit(130);
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
