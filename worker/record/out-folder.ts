/** Where a job's files go: the folder `OUT/JOB/`, which is ours to make anew only where it holds nothing but our own. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isTemporaryName } from '../../files/atomic-file.js';
import { errorMessage } from '../../model/error-message.js';
import type { JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobFiles } from './progress.js';

/** The folder below the repo's root that holds every job's folder unless `--out` names another. */
export const outFolderName = '_soil';

/** In a job's folder: what `local` kept of the artifacts that the job made in its clone. */
export const artifactsFolderName = 'artifacts';

export function outFolderPath(
  out: string | undefined,
  { repo, cwd, job }: { readonly repo: string; readonly cwd: string; readonly job: JobName },
): string {
  return join(out === undefined ? join(repo, outFolderName) : resolve(cwd, out), job);
}

export function jobFilePaths(folder: string, job: JobName): JobFiles {
  const file = (suffix: string) => join(folder, `${job}.${suffix}`);
  return { json: file('json'), tsv: file('tsv'), wwz: file('wwz') };
}

/**
 * Makes the parent of a job's folder, and sees that the folder may be made anew. `--out .` with a job called `src` must
 * not cost a project its sources.
 */
export async function prepareOutFolder(folder: string, job: JobName): Promise<Result<undefined>> {
  const ours = new Set([
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
    // git must not see what jobs leave behind; only in a folder of our own name is the file ours to write.
    if (parent.endsWith(`/${outFolderName}`)) await writeFile(join(parent, '.gitignore'), '*\n');
    const foreign = (await readdir(folder)).find((name) => !ours.has(name) && !isTemporaryName(name));
    if (foreign === undefined) return accept(undefined);
    return refuse(
      `cannot use folder ${quote(folder, 300)}: it holds ${quote(foreign)}, which is not of a job`,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return accept(undefined);
    return refuse(`cannot use folder ${quote(folder, 300)}: ${errorMessage(error)}`);
  }
}
