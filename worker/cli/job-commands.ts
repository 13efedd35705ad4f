/** Declares the commands run, publish, list-jobs and did-all-succeed. */
import { examples, type CommandRegistry } from '../../command/program.js';
import type { PublishOptions } from '../publish/publish-target.js';
import type { CommandContext } from '../system/command-context.js';
import type { AnnounceOptions } from '../job/announce-job.js';
import type { RunCommandOptions } from './run-command.js';
import * as option from './shared-options.js';

export function addJobCommands({
  context,
  command,
  handleSignals,
  finish,
}: CommandRegistry<CommandContext>): void {
  command(
    'run',
    'run jobs in the order of their needs; write a JSON, TSV and wwz file of each to _soil/JOB/',
    [
      option.config(),
      option.out(),
      option.runId(),
      option.attempt(),
      option.publish(),
      option.server(),
      option.tokenFile(),
      option.publishLimit(),
      ...option.ssh(),
      option.engine(),
      option.image(),
      option.tasks(),
      option.needs(),
      ...option.untrusted(),
    ],
  )
    .argument('<job...>', 'names of jobs in soil.yml')
    .option('--clean', 'first remove the untracked files that earlier jobs left here (default on CI hosts)')
    .option('--no-clean', 'keep those files (default elsewhere)')
    .option('--require-clean', 'refuse to run with uncommitted changes')
    .addOption(option.json())
    .addHelpText(
      'after',
      examples`
    soil-worker run dev-minimal
    soil-worker run unit --image none
    soil-worker run unit lint docs                     runs all three, even if one fails
    soil-worker run unit --json | jq .outcome
    soil-worker run dev-minimal --publish --server https://ci.example.org/
    soil/worker.sh cpp-tasks | soil-worker run cpp --tasks - --image localhost/cpp

  A job that another one needs runs first. If it is not named, its pass in the same run counts, or its stored
  pass for the same commit without uncommitted changes; otherwise it runs, too. A job that needs one that did
  not pass is skipped.

  Exit status: the job's, or the largest of several; 125 for a skipped job; 1 if only publishing failed;
  2 usage error.`,
    )
    .action(async (jobs: string[], options: RunCommandOptions) => {
      handleSignals(2);
      await finish((await import('./run-command.js')).runCommand(jobs, options, context));
    });

  command('announce', 'tell the server that a job starts, so that the step that runs it needs no token', [
    option.server(),
    option.tokenFile(),
    option.config(),
    option.runId(),
    option.attempt(),
    option.publishLimit(),
  ])
    .argument('<job>', 'name of a job in soil.yml')
    .addHelpText(
      'after',
      examples`
    soil-worker announce unit                          a step with SOIL_TOKEN
    soil-worker run unit                               a step without it: tasks on this machine find no token
    soil-worker publish unit                           a step with SOIL_TOKEN

  For jobs with "image: none". The page shows that the job runs, but no tasks until it is published. A run
  that is local needs the same --run-id or SOIL_RUN in the first two steps.
  Exit status: 0 announced; 1 the server did not accept the event; 2 usage error.`,
    )
    .action(async (job: string, options: AnnounceOptions) => {
      handleSignals(1);
      await finish((await import('./announce-command.js')).announceCommand(job, options, context));
    });

  command('publish', 'publish the results that an earlier run stored in _soil/JOB/', [
    option.server(),
    option.tokenFile(),
    option.out(),
    option.publishLimit(),
    option.json(),
    ...option.ssh(),
  ])
    .argument('<job>', 'name of the job')
    .addHelpText(
      'after',
      examples`
    soil-worker publish dev-minimal --server https://ci.example.org/
    soil-worker publish dev-minimal --ssh soil@example.org:/srv/soil
    soil-worker publish dev-minimal --json | jq -r '.urls[]'

  Exit status: 0 published; 1 publishing failed; 2 usage error.`,
    )
    .action(async (job: string, options: PublishOptions & { readonly json?: boolean }) => {
      handleSignals(1);
      await finish((await import('./publish-command.js')).publishCommand(job, options, context));
    });

  command('list-jobs', 'print the names of the jobs in soil.yml', [option.config()])
    .option('--json', 'print JSON, with images and needs')
    .addHelpText(
      'after',
      examples`
    soil-worker list-jobs --json`,
    )
    .action(async (options: { readonly json?: boolean; readonly config?: string }) => {
      await finish((await import('./list-jobs-command.js')).listJobsCommand(options, context));
    });

  command('did-all-succeed', 'check that every task in these TSV files passed', [option.json()])
    .argument('<tsv...>', 'TSV files of jobs')
    .addHelpText(
      'after',
      examples`
    soil-worker did-all-succeed _soil/*/*.tsv
    soil-worker did-all-succeed _soil/unit/unit.tsv --json

  Exit status: 0 every task passed; 1 a task did not pass, or a file cannot be read.`,
    )
    .action(async (files: string[], options: { readonly json?: boolean }) => {
      const { didAllSucceedCommand } = await import('./did-all-succeed-command.js');
      await finish(didAllSucceedCommand(files, options, context));
    });
}
