/** Declares the commands that need no server: shell, local, init, doctor, diagnose, archive and extract. */
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from '../system/command-context.js';
import type { DoctorOptions } from './doctor-command.js';
import type { InitOptions } from './init-command.js';
import type { LocalOptions } from './local-command.js';
import * as option from './shared-options.js';
import type { ShellCommandOptions } from './shell-command.js';

export function addLocalCommands({
  context,
  command,
  handleSignals,
  finish,
}: CommandRegistry<CommandContext>): void {
  command('archive', 'write a folder to a wwz file')
    .argument('<dir>', 'folder to archive')
    .requiredOption('-o, --output <file>', 'write this wwz file')
    .addHelpText(
      'after',
      examples`
    soil-worker archive _report -o report.wwz`,
    )
    .action(async (folder: string, options: { readonly output: string }) => {
      await finish((await import('./archive-command.js')).archiveCommand(folder, options, context));
    });

  command('extract', 'verify a wwz file and unpack it into a folder')
    .argument('<file>', 'wwz file')
    .argument('<dir>', 'new or empty folder')
    .addHelpText(
      'after',
      examples`
    soil-worker extract _soil/unit/unit.wwz unpacked

  Writes nothing until every byte of the file was verified. Never overwrites a file.`,
    )
    .action(async (file: string, folder: string) => {
      await finish((await import('./archive-command.js')).extractCommand(file, folder, context));
    });

  command('shell', "open a shell in a job's container, with the environment of its tasks", [
    option.config(),
    option.engine(),
    option.image(),
    ...option.untrusted(),
  ])
    .argument('<job>', 'name of a job in soil.yml')
    .option('-c, --command <command>', 'run a command with sh -e instead, as tasks run, without a terminal')
    .addHelpText(
      'after',
      examples`
    soil-worker shell dev-minimal
    soil-worker shell dev-minimal -c 'make check'
    soil-worker shell dev-minimal -c 'tar -cf - _build' >build.tar

  Exit status: the shell's; 125 no image or no engine; 2 usage error, or neither a terminal nor -c.`,
    )
    .action(async (job: string, options: ShellCommandOptions) => {
      handleSignals(1);
      await finish((await import('./shell-command.js')).shellCommand(job, options, context));
    });

  command('local', 'run a job on a fresh clone of HEAD, without uncommitted changes', [
    option.config(),
    option.out(),
    option.runId(),
    option.attempt(),
    option.publish(),
    option.server(),
    option.tokenFile(),
    option.publishLimit(),
    option.engine(),
    option.image(),
    option.tasks(),
    option.needs(),
    ...option.untrusted(),
  ])
    .argument('<job>', 'name of a job in soil.yml')
    .option('--keep', 'keep the clone and print its path')
    .addOption(option.json())
    .addHelpText(
      'after',
      examples`
    soil-worker local dev-minimal
    soil-worker local dev-minimal --keep --image none
    soil-worker local dev-minimal --json | jq .outcome

  Submodules are cloned from the working copies that are checked out here. Prints the uncommitted changes
  that the job does not see. Jobs that it needs run first in the same clone, unless they passed for this
  commit. Writes the results to _soil/JOB/. Exit status: the largest of the jobs.`,
    )
    .action(async (job: string, options: LocalOptions) => {
      handleSignals(2);
      await finish((await import('./local-command.js')).localCommand(job, options, context));
    });

  command('init', 'write soil.yml, a GitHub workflow and a sourcehut manifest that suit this repo', [
    option.server(),
  ])
    .option('--dry-run', 'print the files; write nothing')
    .option('--force', 'overwrite existing files')
    .option('--no-github', 'do not write .github/workflows/soil.yml')
    .option('--no-sourcehut', 'do not write .builds/soil.yml')
    .addHelpText(
      'after',
      examples`
    soil-worker init --dry-run
    soil-worker init --no-sourcehut

  Recognizes package.json, Makefile, configure.ac, CMakeLists.txt, meson.build, Cargo.toml, go.mod,
  pyproject.toml, pom.xml, build.gradle and Gemfile. With an existing soil.yml, writes the workflow and
  the manifest for its jobs. The first line of soil.yml points editors to its JSON Schema, on the
  server or in node_modules; without either, the line is omitted.
  Exit status: 0 all files written; 1 some existed and were kept; 2 usage error.`,
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

  Prints a command that fixes each problem. Exit status: 0 no problems found; 1 problems found.`,
    )
    .action(async (options: DoctorOptions) => {
      await finish((await import('./doctor-command.js')).doctorCommand(options, context));
    });

  command('diagnose', 'print facts about this machine (os-info) and its environment (dump-env)')
    .argument('[task...]', 'os-info, dump-env (default: both)')
    .addHelpText(
      'after',
      examples`
    soil-worker diagnose
    soil-worker diagnose dump-env
    soil-worker shell dev-minimal -c 'sh "$SOIL_BUILTIN" os-info'

  Values that look like secrets, by name or content, are printed as ***. To run it as a task of a job, add
  this to soil.yml: { name: os-info, builtin: os-info }`,
    )
    .action(async (tasks: string[]) => {
      await finish((await import('./diagnose-command.js')).diagnoseCommand(tasks, context));
    });
}
