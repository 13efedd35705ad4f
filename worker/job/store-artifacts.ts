/** Copies a job's artifacts into the job's folder before its repo, a temporary clone, is removed. */
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { artifactsFolderName } from '../record/out-folder.js';
import type { CommandContext } from '../system/command-context.js';
import type { JobResults } from './job-context.js';

/** Copies the artifacts that exist, so that `publish` finds them later. A failed copy is a notice. */
export async function storeArtifacts(
  { artifacts, files }: JobResults,
  { print, warn }: CommandContext,
): Promise<void> {
  const folder = join(dirname(files.json), artifactsFolderName);
  for (const artifact of artifacts) {
    const facts = await stat(artifact).catch(() => undefined);
    if (facts?.isFile() !== true) continue;
    const copy = join(folder, basename(artifact));
    try {
      await mkdir(folder, { recursive: true });
      await copyFile(artifact, copy);
      print(`artifact: ${copy}`);
    } catch (error) {
      warn(`notice: cannot store artifact ${copy}: ${errorMessage(error)}`);
    }
  }
}
