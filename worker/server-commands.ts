/** The commands that ask a server for what other jobs left there, as the command line has them: wait, artifact. */
import type { Option } from 'commander';
import type { GetOptions } from './artifact-get.js';
import type { PutOptions } from './artifact-put.js';
import {
  attempt,
  commit,
  examples,
  host,
  json,
  publishLimit,
  runId,
  server,
  tokenFile,
  type CommandKit,
} from './shared-options.js';
import type { WaitJobOptions } from './wait-command.js';

const atCommit = (): Option[] => [server(), tokenFile(), commit(), host(), json()];
const untilLimit = 'wait so long until it is there: 90s, 15m, 1h30m';

export function addServerCommands({ context, command, finish }: CommandKit): void {
  const wait = command(
    'wait',
    'wait until a job of this run has ended, or an artifact of this commit is there',
  );
  const get = async (name: string, options: GetOptions): Promise<void> => {
    await finish((await import('./artifact-get.js')).getCommand(name, options, context));
  };

  command(
    'job <job>',
    'wait until a job of this run, attempt and commit has ended, and is green',
    [server(), runId(), attempt(), commit(), host(), json()],
    wait,
  )
    .option('--limit <duration>', 'wait so long: 90s, 15m, 1h30m', '30m')
    .option('--ended', 'be content with a job that failed: it has ended')
    .addHelpText(
      'after',
      examples`
    soil-worker wait job cpp-tarball --limit 45m
    soil-worker wait job cpp-tarball --run-id nightly --server https://ci.example.org/ --json

  Exit status: 0 it has ended and is green; 1 the limit is over, or it is not green; 2 wrong use;
  3 the server refused; 130 cancelled.`,
    )
    .action(async (job: string, options: WaitJobOptions) => {
      await finish((await import('./wait-command.js')).waitJobCommand(job, options, context));
    });

  command(
    'artifact <name>',
    'wait until a file of this commit is there, and get it',
    [...atCommit(), runId(), attempt()],
    wait,
  )
    .option('--job <job>', 'the job of this run that makes it: once that has ended, nobody waits any longer')
    .option('-o, --output <file>', 'write it there (default: its own name, here)')
    .option('--limit <duration>', untilLimit, '30m')
    .addHelpText(
      'after',
      examples`
    soil-worker wait artifact program.tar --limit 45m
    soil-worker wait artifact program.tar --job cpp-tarball
    soil-worker wait artifact program.tar -o _build/program.tar --host github

  The file is there whole and with the server's SHA-256, or not at all: no half, no page of an error.
  Exit status: 0 it is there; 1 the limit is over, or its job ended without it; 2 wrong use; 3 the server refused; 130 cancelled.`,
    )
    .action(get);

  const artifact = command('artifact', 'files that are published for a commit: put, get');

  command(
    'put <file...>',
    'publish files for a commit; the same bytes once more are fine',
    [...atCommit(), publishLimit()],
    artifact,
  )
    .option('--name <name>', 'its name on the site, of one file; may have folders (default: its own)')
    .addHelpText(
      'after',
      examples`
    soil-worker artifact put _release/program.tar
    soil-worker artifact put notes.html --name docs/notes.html --json

  Nothing is ever overwritten: other bytes under the same name are refused.
  Exit status: 0 all are there; 1 the server could not be reached; 2 wrong use; 3 the server refused one.`,
    )
    .action(async (files: string[], options: PutOptions) => {
      await finish((await import('./artifact-put.js')).putCommand(files, options, context));
    });

  command('get <name>', 'get a file of a commit, checked', atCommit(), artifact)
    .option('-o, --output <file>', 'write it there (default: its own name, here)')
    .option('--limit <duration>', `${untilLimit} (default: one try)`)
    .addHelpText(
      'after',
      examples`
    soil-worker artifact get program.tar
    soil-worker artifact get docs/notes.html -o notes.html --commit v1.2 --host github

  Exit status: 0 it is there; 1 it is not; 2 wrong use; 3 the server refused; 130 cancelled.`,
    )
    .action(get);
}
