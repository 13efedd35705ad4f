/** The output folder of a job: where its copy for the user is, and by what the state knows it. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { pathWithin, realPathOf } from '../../files/real-path.js';

/** The folder in the root of the repo that contains the folders of jobs, unless `--out` names another. */
export const outFolderName = '_soil';

export interface OutPath {
  /** the absolute path of the folder that contains the folders of jobs */
  readonly path: string;
  /** the folder below which no part of `path` may be a link: the repo, or the parent folder of `--out` */
  readonly root: string;
  /** `path` relative to `root`; empty if it is the root */
  readonly name: string;
  /** when this folder no longer exists, what the state holds for the output folder is of no use */
  readonly anchor: string;
}

/** Resolves `--out`. `repo` and `cwd` are absolute paths. */
export async function planOutPath(
  out: string | undefined,
  { repo, cwd }: { readonly repo: string; readonly cwd: string },
): Promise<Result<OutPath>> {
  try {
    const realRepo = await realpath(repo);
    const within = out === undefined ? outFolderName : await pathWithin(realRepo, resolve(cwd, out));
    if (within !== undefined)
      return accept({ path: join(realRepo, within), root: realRepo, name: within, anchor: realRepo });
    const path = await realPathOf(resolve(cwd, out ?? ''));
    return accept({ path, root: dirname(path), name: basename(path), anchor: path });
  } catch (error) {
    return refuse(`cannot use folder ${quote(out ?? repo, 300)}: ${errorMessage(error)}`);
  }
}
