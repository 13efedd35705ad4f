/** Packs everything that a job needs on a machine that cannot mount the repo: the repo, its commit, and Soil's scripts. */
import { readFile } from 'node:fs/promises';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { accept, type Result } from '../../model/result.js';
import type { Environment } from '../git/git.js';
import { copyCommit } from './commit-copy.js';
import { RepoArchive } from './repo-archive.js';
import { listRepoFiles } from './repo-files.js';

export interface JobArchiveOptions {
  readonly repo: string;
  readonly environment: Environment;
  /** paths of the repo that are the worker's own */
  readonly isExcluded: (path: string) => boolean;
  /** names and paths of Soil's scripts, which become `control/NAME` */
  readonly scripts: Readonly<Record<string, string>>;
  /** empty folders, as in `control/out` */
  readonly folders: readonly string[];
}

export interface JobArchive {
  readonly archive: RepoArchive;
  /** what could not be listed; what could not be packed is in the archive's own notices */
  readonly notices: readonly string[];
  /** closes and removes what the archive is made of */
  readonly close: () => Promise<void>;
}

export async function packJob(options: JobArchiveOptions): Promise<Result<JobArchive>> {
  const { repo, environment, isExcluded, scripts, folders } = options;
  const folder = new UntrustedFolder(repo);
  const [listed, copied, texts] = await Promise.all([
    listRepoFiles({ folder, environment, isExcluded }),
    copyCommit(folder.path, environment),
    Promise.all(
      Object.entries(scripts).map(async ([name, path]) => [name, await readFile(path, 'utf8')] as const),
    ),
  ]);
  const close = async (): Promise<void> => {
    folder.close();
    if (copied.ok) await copied.value?.close();
  };
  if (!listed.ok || !copied.ok) {
    await close();
    return listed.ok ? (copied as Result<never>) : listed;
  }
  const archive = new RepoArchive(folder, 'repo');
  for (const name of ['repo', 'control', ...folders]) archive.addFolder(name);
  for (const [name, text] of texts) archive.addText(`control/${name}`, text);
  for (const { name, path, size } of copied.value?.entries ?? []) {
    if (size === undefined) archive.addFolder(`repo/${name}`);
    else archive.addOwnFile(`repo/${name}`, path, { size, mode: 0o644 });
  }
  for (const path of listed.value.paths) archive.addRepoPath(path);
  return accept({ archive, notices: listed.value.notices, close });
}
