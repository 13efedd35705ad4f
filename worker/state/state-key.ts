/** The names in the worker's state. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder for each output folder, with the files and the locks of its jobs. */
export const jobsFolder = 'jobs';
/** A folder for each repo. */
export const reposFolder = 'repos';
/** A file in each of them: the path of the repo or output folder. When this no longer exists, the folder is of no use. */
export const anchorFile = 'anchor';

/** Returns the name of the folder for a path: the path itself may be too long for a name. */
export const stateKey = (realPath: string): string =>
  createHash('sha256').update(realPath).digest('hex').slice(0, 32);

/** Writes the path that a folder of the state belongs to, if it is not written yet. */
export async function writeAnchor(folder: string, path: string): Promise<void> {
  try {
    await writeFile(join(folder, anchorFile), path, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
