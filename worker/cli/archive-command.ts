/** `soil-worker archive DIR -o FILE` and `soil-worker extract FILE DIR`. */
import { resolve } from 'node:path';
import { quote } from '../../model/result.js';
import { packFolder } from '../../wwz/pack-folder.js';
import { exitStatus } from '../../command/command-context.js';
import { chooseRepo } from '../config/load-job.js';
import type { CommandContext } from '../system/command-context.js';
import { findTargetProblem } from '../system/named-file.js';
import { unpackWwz } from '../../wwz/unpack.js';

/** Writes the folder to a wwz file. Returns 0, or 1 if that failed. Skipped files are warnings. */
export async function archiveCommand(
  folder: string,
  { output }: { readonly output: string },
  context: CommandContext,
): Promise<number> {
  if (!(await canWrite(output, context))) return exitStatus.failed;
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
  if (!(await canWrite(folder, context))) return exitStatus.failed;
  const extracted = await unpackWwz(resolve(context.cwd, file), resolve(context.cwd, folder));
  if (!extracted.ok) {
    context.warn(extracted.error);
    return exitStatus.failed;
  }
  context.print(`${folder}: ${extracted.value.entries} files`);
  return exitStatus.ok;
}

/** Warns if a path of the repo is a link, or is reached through one: a task could have made it. */
async function canWrite(file: string, context: CommandContext): Promise<boolean> {
  const repo = await chooseRepo(context);
  const problem = await findTargetProblem({ repo, cwd: context.cwd, file });
  if (problem !== undefined) context.warn(`cannot write ${quote(file, 300)}: ${problem}`);
  return problem === undefined;
}
