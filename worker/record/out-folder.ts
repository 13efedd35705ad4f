/** Names and prepares the output folder of a job, `OUT/JOB/`. It is only replaced if all files in it are Soil's. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isTemporaryName } from '../../files/atomic-file.js';
import { errorMessage } from '../../model/error-message.js';
import type { JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobFiles } from '../state/job-folder.js';

/** The folder in the root of the repo that contains the folders of jobs, unless `--out` names another. */
export const outFolderName = '_soil';

/** The folder in a job's folder where `local` stores the artifacts that the job created in its clone. */
export const artifactsFolderName = 'artifacts';

/** Returns the absolute path of the job's folder. */
export function outFolderPath(
  out: string | undefined,
  { repo, cwd, job }: { readonly repo: string; readonly cwd: string; readonly job: JobName },
): string {
  return join(out === undefined ? join(repo, outFolderName) : resolve(cwd, out), job);
}

/** Returns the paths of the three files in a job's folder. */
export function jobFilePaths(folder: string, job: JobName): JobFiles {
  const file = (suffix: string) => join(folder, `${job}.${suffix}`);
  return { json: file('json'), tsv: file('tsv'), wwz: file('wwz') };
}

/**
 * Creates the parent of a job's folder. Fails when the folder contains files that are not Soil's: `--out .` with a job
 * called `src` must not delete the project's sources.
 */
export async function prepareOutFolder(folder: string, job: JobName): Promise<Result<undefined>> {
  const ownNames = new Set([
    'control',
    'logs',
    artifactsFolderName,
    '.reserve',
    `${job}.json`,
    `${job}.tsv`,
    `${job}.wwz`,
  ]);
  const parent = resolve(folder, '..');
  try {
    await mkdir(parent, { recursive: true });
    // git must ignore the output of jobs. The file is only written to `_soil`: any other folder is the user's.
    if (parent.endsWith(`/${outFolderName}`)) await writeFile(join(parent, '.gitignore'), '*\n');
    const foreign = (await readdir(folder)).find((name) => !ownNames.has(name) && !isTemporaryName(name));
    if (foreign === undefined) return accept(undefined);
    return refuse(
      `cannot use folder ${quote(folder, 300)}: it contains ${quote(foreign)}, which is not a file of Soil`,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return accept(undefined);
    return refuse(`cannot use folder ${quote(folder, 300)}: ${errorMessage(error)}`);
  }
}
