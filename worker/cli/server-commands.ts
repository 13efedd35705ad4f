/** The commands that ask a server for what other jobs left there, as the command line has them: maybe-merge, wait, artifact. */
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from '../system/command-context.js';
import type { Option } from 'commander';
import type { GetOptions } from '../artifact/artifact-get.js';
import type { PutOptions } from '../artifact/artifact-put.js';
import * as option from './shared-options.js';
import type { MergeOptions } from './merge-command.js';
import type { WaitJobOptions } from './wait-command.js';

const atCommit = (): Option[] => [
  option.server(),
  option.tokenFile(),
  option.commit(),
  option.host(),
  option.json(),
];
const untilLimit = 'wait so long until it is there: 90s, 15m, 1h30m';

export function addServerCommands({
  context,
  command,
  handleSignals,
  finish,
}: CommandRegistry<CommandContext>): void {
  command('maybe-merge', 'move the target branch to a commit that passed, or say why not', [
    option.server(),
    option.runId(),
    option.attempt(),
    option.config(),
    option.tokenFile(),
    option.json(),
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
  3 refused by the remote, or the target moved; 130 cancelled while it waited.`,
    )
    .action(async (options: MergeOptions) => {
      handleSignals(1);
      await finish((await import('./merge-command.js')).mergeCommand(options, context));
    });

  const wait = command(
    'wait',
    'wait until a job of this run has ended, or an artifact of this commit is there',
  ).addHelpText(
    'after',
    examples`
    soil-worker wait job cpp-tarball --limit 45m
    soil-worker wait artifact program.tar --job cpp-tarball`,
  );
  const get = async (name: string, options: GetOptions): Promise<void> => {
    handleSignals(1);
    await finish((await import('../artifact/artifact-get.js')).getCommand(name, options, context));
  };

  command(
    'job <job>',
    'wait until a job of this run, attempt and commit has ended, and is green',
    [option.server(), option.runId(), option.attempt(), option.commit(), option.host(), option.json()],
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
      handleSignals(1);
      await finish((await import('./wait-command.js')).waitJobCommand(job, options, context));
    });

  command(
    'artifact <name>',
    'wait until a file of this commit is there, and get it',
    [...atCommit(), option.runId(), option.attempt()],
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

  const artifact = command('artifact', 'files that are published for a commit: put, get').addHelpText(
    'after',
    examples`
    soil-worker artifact put _release/program.tar
    soil-worker artifact get program.tar --commit v1.2`,
  );

  command(
    'put <file...>',
    'publish files for a commit; the same bytes once more are fine',
    [...atCommit(), option.publishLimit()],
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
      await finish((await import('../artifact/artifact-put.js')).putCommand(files, options, context));
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
