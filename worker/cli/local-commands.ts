/** The commands for whoever sits before the machine, as the command line has them: shell, local, init, doctor, diagnose. */
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from '../system/command-context.js';
import type { InitOptions } from './init-command.js';
import type { LocalOptions } from './local-command.js';
import type { ShellCommandOptions } from './shell-command.js';
import type { DoctorOptions } from './doctor-command.js';
import * as option from './shared-options.js';

export function addLocalCommands({
  context,
  command,
  handleSignals,
  finish,
}: CommandRegistry<CommandContext>): void {
  command('shell <job>', "open a shell in the job's container, as its tasks would find it", [
    option.config(),
    option.engine(),
    option.image(),
  ])
    .option('-c, --command <command>', 'run this by sh -e, as a task would be, without a terminal')
    .addHelpText(
      'after',
      examples`
    soil-worker shell dev-minimal
    soil-worker shell dev-minimal -c 'make check'
    soil-worker shell dev-minimal -c 'tar -cf - _build' >build.tar

  Exit status: the shell's own; 125: no image, no engine; 2: wrong use, or no terminal and no -c.`,
    )
    .action(async (job: string, options: ShellCommandOptions) => {
      handleSignals(1);
      await finish((await import('./shell-command.js')).shellCommand(job, options, context));
    });

  command('local <job>', 'run a job on a fresh clone of HEAD: nothing uncommitted leaks in', [
    option.config(),
    option.out(),
    option.runId(),
    option.attempt(),
    option.server(),
    option.tokenFile(),
    option.publishLimit(),
    option.engine(),
    option.image(),
  ])
    .option('--tasks <file>', 'take the tasks from four columns in a file; - for stdin')
    .option('--keep', 'leave the clone where it is, and say where')
    .option('--publish', 'publish the results when the job has ended')
    .addOption(option.json())
    .addHelpText(
      'after',
      examples`
    soil-worker local dev-minimal
    soil-worker local dev-minimal --keep --image none
    soil-worker local dev-minimal --json | jq .outcome

  Submodules are cloned, too: out of those that are checked out here. What is not committed is named.
  The files are in _soil/ as those of run are; the exit status is the job's.`,
    )
    .action(async (job: string, options: LocalOptions) => {
      handleSignals(2);
      await finish((await import('./local-command.js')).localCommand(job, options, context));
    });

  command('init', 'write soil.yml, a workflow for GitHub and a manifest for sourcehut, as this repo needs')
    .option('--dry-run', 'print them, and write nothing')
    .option('--force', 'write also those that are there already')
    .option('--no-github', 'no .github/workflows/soil.yml')
    .option('--no-sourcehut', 'no .builds/soil.yml')
    .addHelpText(
      'after',
      examples`
    soil-worker init --dry-run
    soil-worker init --no-sourcehut

  Looks at package.json, Makefile, configure.ac, CMakeLists.txt, meson.build, Cargo.toml, go.mod,
  pyproject.toml, pom.xml, build.gradle and Gemfile. The workflow is made for the jobs of a soil.yml
  that is there already. Exit status: 0 all are written; 1 some were there and are kept; 2 wrong use.`,
    )
    .action(async (options: InitOptions) => {
      await finish((await import('./init-command.js')).initCommand(options, context));
    });

  command('doctor', 'check this machine and the server, and suggest fixes', [
    option.server(),
    option.tokenFile(),
    option.config(),
    option.engine(),
    option.json(),
  ])
    .addHelpText(
      'after',
      examples`
    soil-worker doctor
    soil-worker doctor --server https://ci.example.org/ --json

  Exit status: 0 no problems found; 1 problems, each with the command that fixes it.`,
    )
    .action(async (options: DoctorOptions) => {
      await finish((await import('./doctor-command.js')).doctorCommand(options, context));
    });

  command('diagnose [task...]', 'tell what this machine is (os-info) and its environment (dump-env)')
    .addHelpText(
      'after',
      examples`
    soil-worker diagnose
    soil-worker diagnose dump-env
    soil-worker shell dev-minimal -c 'sh "$SOIL_BUILTIN" os-info'

  What looks like a secret by its name or its value is shown as ***. In soil.yml a task of a job that
  does the same where the job runs: { name: os-info, builtin: os-info }`,
    )
    .action(async (tasks: string[]) => {
      await finish((await import('./diagnose-command.js')).diagnoseCommand(tasks, context));
    });
}
