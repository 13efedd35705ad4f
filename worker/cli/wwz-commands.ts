/** The commands for a wwz by itself, as the command line has them: archive, extract. */
import { examples, type CommandRegistry } from '../../command/program.js';
import type { CommandContext } from '../system/command-context.js';

export function addWwzCommands({ context, command, finish }: CommandRegistry<CommandContext>): void {
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
}
