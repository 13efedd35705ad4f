/** `soil-worker archive DIR -o FILE` and `soil-worker extract FILE DIR`. */
import { resolve } from 'node:path';
import { packFolder } from '../../wwz/pack-folder.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { unpackWwz } from '../../wwz/unpack.js';

/** Writes the folder to a wwz file. Returns 0, or 1 if that failed. Skipped files are warnings. */
export async function archiveCommand(
  folder: string,
  { output }: { readonly output: string },
  context: CommandContext,
): Promise<number> {
  const archived = await packFolder(resolve(context.cwd, folder), resolve(context.cwd, output));
  if (!archived.ok) {
    context.warn(archived.error);
    return exitStatus.failed;
  }
  const { files, bytes, skipped } = archived.value;
  for (const { name, reason } of skipped) context.warn(`skipped ${JSON.stringify(name)}: ${reason}`);
  context.print(`${output}: ${files} files, ${bytes} bytes`);
  return exitStatus.ok;
}

/** Unpacks a wwz file. Returns 0, or 1 if the file is damaged or the folder is not empty. */
export async function extractCommand(file: string, folder: string, context: CommandContext): Promise<number> {
  const extracted = await unpackWwz(resolve(context.cwd, file), resolve(context.cwd, folder));
  if (!extracted.ok) {
    context.warn(extracted.error);
    return exitStatus.failed;
  }
  context.print(`${folder}: ${extracted.value.entries} files`);
  return exitStatus.ok;
}
