/** The commands for the jobs of a repo, as the command line has them: run, publish, list-jobs, did-all-succeed. */
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from '../system/command-context.js';
import type { PublishOptions } from '../publish/publish-target.js';
import type { RunCommandOptions } from './run-command.js';
import * as option from './shared-options.js';

export function addJobCommands({
  context,
  command,
  handleSignals,
  finish,
}: CommandRegistry<CommandContext>): void {
  command('run <job...>', 'run jobs one after another, and write JSON, TSV and wwz of each to _soil/JOB/', [
    option.config(),
    option.out(),
    option.runId(),
    option.attempt(),
    option.server(),
    option.tokenFile(),
    option.publishLimit(),
    ...option.ssh(),
  ])
    .option(
      '--publish',
      'publish the results when the job has ended, and tell the server what happens meanwhile',
    )
    .addOption(option.engine())
    .addOption(option.image())
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
    .addOption(option.json())
    .action(async (jobs: string[], options: RunCommandOptions) => {
      handleSignals(2);
      await finish((await import('./run-command.js')).runCommand(jobs, options, context));
    });

  command('publish <job>', 'publish what an earlier run left in _soil/JOB/', [
    option.server(),
    option.tokenFile(),
    option.out(),
    option.config(),
    option.publishLimit(),
    option.json(),
    ...option.ssh(),
  ])
    .addHelpText(
      'after',
      examples`
    soil-worker publish dev-minimal --server https://ci.example.org/
    soil-worker publish dev-minimal --ssh soil@example.org:/srv/soil
    soil-worker publish dev-minimal --json | jq -r '.urls[]'

  Exit status: 0 it is all there; 1 it could not be published; 2 wrong use.`,
    )
    .action(async (job: string, options: PublishOptions & { readonly json?: boolean }) => {
      handleSignals(1);
      await finish((await import('./publish-command.js')).publishCommand(job, options, context));
    });

  command('list-jobs', 'print the names of the jobs in soil.yml', [option.config()])
    .option('--json', 'as JSON, with images and needs')
    .addHelpText(
      'after',
      examples`
    soil-worker list-jobs --json`,
    )
    .action(async (options: { readonly json?: boolean; readonly config?: string }) => {
      await finish((await import('./list-jobs-command.js')).listJobsCommand(options, context));
    });

  command('did-all-succeed <tsv...>', 'tell by their TSVs whether all tasks of some jobs passed', [
    option.json(),
  ])
    .addHelpText(
      'after',
      examples`
    soil-worker did-all-succeed _soil/*/*.tsv
    soil-worker did-all-succeed _soil/unit/unit.tsv --json`,
    )
    .action(async (files: string[], options: { readonly json?: boolean }) => {
      await finish(
        (await import('./did-all-succeed-command.js')).didAllSucceedCommand(files, options, context),
      );
    });
}
