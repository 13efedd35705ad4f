/** Declares the commands that read the results of other jobs on a server: maybe-merge, wait and artifact. */
import type { Option } from 'commander';
import { examples, type CommandRegistry } from '../../command/program.js';
import type { GetOptions } from '../artifact/artifact-get.js';
import type { PutOptions } from '../artifact/artifact-put.js';
import type { CommandContext } from '../system/command-context.js';
import type { MergeCommandOptions } from './merge-command.js';
import * as option from './shared-options.js';
import type { WaitJobOptions } from './wait-command.js';

/** Options that identify the artifacts of a commit. */
const atCommit = (): Option[] => [
  option.server(),
  option.tokenFile(),
  option.commit(),
  option.host(),
  option.json(),
];
const limitText = 'wait at most this long: 90s, 15m, 1h30m';
const outputText = "write to this file (default: the artifact's own name, in this folder)";

export function addServerCommands({
  context,
  command,
  handleSignals,
  finish,
}: CommandRegistry<CommandContext>): void {
  command('maybe-merge', 'move the target branch to a commit if its jobs passed', [
    option.server(),
    option.runId(),
    option.attempt(),
    option.config(),
    option.tokenFile(),
    option.json(),
  ])
    .option('--remote <url>', 'move the branch of this repo with git push')
    .option(
      '--github <owner/name>',
      'move the branch with the GitHub API; needs SOIL_GITHUB_API_TOKEN or --token-file',
    )
    .option('--github-api <url>', 'use the GitHub API at this URL (or GITHUB_API_URL)')
    .option(
      '--commit <hash>',
      'merge this commit (default: that of the CI host, or the one that the jobs of the run tested)',
    )
    .option(
      '--branch <branch>',
      "set the candidate's branch (default: from the CI host, or that of the jobs of the run)",
    )
    .option('--to <branch>', 'move this branch (default: from soil.yml); its own soil.yml must name it too')
    .option('--host <host>', 'use --run-id on this worker host: github, sourcehut or local')
    .option('--max-age <duration>', 'ignore statuses older than this')
    .option('--wait <duration>', 'wait at most this long for jobs that have not reported')
    .addHelpText(
      'after',
      examples`
    soil-worker maybe-merge --server https://ci.example.org/ --remote git@host:repo.git
    soil-worker maybe-merge --github OWNER/NAME --wait 30m

  Exit status: 0 merged, merged earlier, or nothing to do; 1 a job did not pass; 2 usage or configuration
  error; 3 the remote refused, or the target moved; 130 cancelled while waiting.`,
    )
    .action(async (options: MergeCommandOptions) => {
      handleSignals(1);
      await finish((await import('./merge-command.js')).mergeCommand(options, context));
    });

  const wait = command(
    'wait',
    'wait until a job of this run has finished, or an artifact of this commit exists',
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
    'job',
    'wait until a job of this run, attempt and commit has passed',
    [option.server(), option.runId(), option.attempt(), option.commit(), option.host(), option.json()],
    wait,
  )
    .argument('<job>', 'name of the job')
    .option('--limit <duration>', limitText, '30m')
    .option('--ended', 'succeed when the job has finished, even if it failed')
    .addHelpText(
      'after',
      examples`
    soil-worker wait job cpp-tarball --limit 45m
    soil-worker wait job cpp-tarball --run-id nightly --server https://ci.example.org/ --json

  Exit status: 0 the job passed; 1 it did not pass, or the time is up; 2 usage error; 3 the server
  refused; 130 cancelled.`,
    )
    .action(async (job: string, options: WaitJobOptions) => {
      handleSignals(1);
      await finish((await import('./wait-command.js')).waitJobCommand(job, options, context));
    });

  command(
    'artifact',
    'wait until an artifact of this commit exists, and download it',
    [...atCommit(), option.runId(), option.attempt()],
    wait,
  )
    .argument('<name>', 'name of the artifact')
    .option(
      '--job <job>',
      'stop waiting when this job of the run, which publishes the artifact, has finished',
    )
    .option('-o, --output <file>', outputText)
    .option('--limit <duration>', limitText, '30m')
    .addHelpText(
      'after',
      examples`
    soil-worker wait artifact program.tar --limit 45m
    soil-worker wait artifact program.tar --job cpp-tarball
    soil-worker wait artifact program.tar -o _build/program.tar --host github

  Writes the file only if it is complete and its SHA-256 matches the server's.
  Exit status: 0 downloaded; 1 the time is up, or the job finished without the artifact; 2 usage error;
  3 the server refused; 130 cancelled.`,
    )
    .action(get);

  const artifact = command('artifact', 'publish and download the artifacts of a commit').addHelpText(
    'after',
    examples`
    soil-worker artifact put _release/program.tar
    soil-worker artifact get program.tar --commit v1.2`,
  );

  command('put', 'publish files for a commit', [...atCommit(), option.publishLimit()], artifact)
    .argument('<file...>', 'files to publish')
    .option('--name <name>', "store one file under this name; may contain folders (default: the file's own)")
    .addHelpText(
      'after',
      examples`
    soil-worker artifact put _release/program.tar
    soil-worker artifact put notes.html --name docs/notes.html --json

  A published file is never overwritten: the same content is accepted again, other content is refused.
  Exit status: 0 all published; 1 the server could not be reached; 2 usage error; 3 the server refused one.`,
    )
    .action(async (files: string[], options: PutOptions) => {
      await finish((await import('../artifact/artifact-put.js')).putCommand(files, options, context));
    });

  command('get', 'download an artifact of a commit and verify it', atCommit(), artifact)
    .argument('<name>', 'name of the artifact')
    .option('-o, --output <file>', outputText)
    .option('--limit <duration>', `${limitText} (default: try once)`)
    .addHelpText(
      'after',
      examples`
    soil-worker artifact get program.tar
    soil-worker artifact get docs/notes.html -o notes.html --commit v1.2 --host github

  Exit status: 0 downloaded; 1 no such artifact; 2 usage error; 3 the server refused; 130 cancelled.`,
    )
    .action(get);
}
