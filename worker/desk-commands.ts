/** The commands for whoever sits before the machine, as the command line has them: shell, local, init, doctor, diagnose. */
import type { ShellOptions } from './shell-command.js';
import { config, engine, examples, image, type CommandKit } from './shared-options.js';

export function addDeskCommands({ context, command, finish }: CommandKit): void {
  command('shell <job>', "open a shell in the job's container, as its tasks would find it", [
    config(),
    engine(),
    image(),
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
    .action(async (job: string, options: ShellOptions) => {
      await finish((await import('./shell-command.js')).shellCommand(job, options, context));
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
