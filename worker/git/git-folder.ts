/** Finds the `.git` of a working tree and the folders that belong to it, without git: what it says is checked first. */
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { readPlainFile } from './plain-file.js';

/** A repository with a working tree. All paths are absolute. */
export interface GitFolder {
  /** the root of the working tree */
  readonly root: string;
  /** what `.git` of the root is: the repository itself, a file that names it, or a link to it */
  readonly kind: 'folder' | 'file' | 'link';
  /** the folder with HEAD and the index; without links */
  readonly gitDir: string;
  /** the folder with the objects and branches; `gitDir` but in a linked worktree; without links */
  readonly commonDir: string;
}

/** A file of one line in a repository, such as HEAD or `commondir`. */
const lineBytes = 8192;

/**
 * Returns the repository of a folder that has a `.git`, or undefined if it has none. Refuses a `.git` that names a folder
 * which is no repository: a task could have it name any folder of the machine.
 */
export async function readGitFolder(root: string): Promise<Result<GitFolder | undefined>> {
  const path = join(root, '.git');
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return accept(undefined);
  if (stats.isDirectory()) {
    const found = await openGitDir(root, { kind: 'folder', named: path });
    // Like git: an empty folder of this name is no repository, and the search continues above it.
    return accept(found);
  }
  const named = stats.isSymbolicLink()
    ? await readlink(path)
    : stats.isFile()
      ? /^gitdir: ([^\0]+?)\n*$/.exec((await readPlainFile(path, lineBytes)) ?? '')?.[1]
      : undefined;
  if (named === undefined)
    return refuse(`cannot use ${quote(path, 300)}: it is neither a folder nor a file that names one`);
  const kind = stats.isSymbolicLink() ? 'link' : 'file';
  const found = await openGitDir(root, { kind, named: resolve(root, named) });
  return found === undefined
    ? refuse(`cannot use ${quote(path, 300)}: it names ${quote(named, 300)}, which is not a git repository`)
    : accept(found);
}

async function openGitDir(
  root: string,
  { kind, named }: { readonly kind: GitFolder['kind']; readonly named: string },
): Promise<GitFolder | undefined> {
  const gitDir = await realpath(named).catch(() => undefined);
  if (gitDir === undefined) return undefined;
  const text = await readPlainFile(join(gitDir, 'commondir'), lineBytes);
  const commonDir =
    text === undefined
      ? gitDir
      : await realpath(resolve(gitDir, text.replace(/\n$/, ''))).catch(() => undefined);
  if (commonDir === undefined || !(await isRepository(gitDir, commonDir))) return undefined;
  return { root, kind, gitDir, commonDir };
}

/** Reports whether a folder is what git calls a repository: it has a valid HEAD, `objects` and `refs`. */
export async function isRepository(gitDir: string, commonDir = gitDir): Promise<boolean> {
  const head = await readPlainFile(join(gitDir, 'HEAD'), lineBytes);
  if (head === undefined || !/^(ref: ?refs\/\S+|[0-9a-f]{40}|[0-9a-f]{64})\n?$/.test(head)) return false;
  return (await isFolder(join(commonDir, 'objects'))) && (await isFolder(join(commonDir, 'refs')));
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

/**
 * Returns the root of the repo that a folder is in, or undefined. A root whose `.git` cannot be used is returned as well,
 * since a caller must say why and not take another repo. Ignores `core.worktree`, which a task can set to any folder.
 */
export async function findRepo(folder: string): Promise<string | undefined> {
  for (let at = await realpath(folder).catch(() => folder); ; at = dirname(at)) {
    const found = await readGitFolder(at);
    if (!found.ok || found.value !== undefined) return at;
    if (at === dirname(at)) return undefined;
  }
}
