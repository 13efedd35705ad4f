/** Plans which folders of a repository a container needs besides the working tree, so that git works in it. */
import { readdir, readlink, realpath } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { readAlternates } from './alternates.js';
import type { Environment } from './git.js';
import { isRepository, type GitFolder } from './git-folder.js';
import { readRepoSettings } from './git-settings.js';
import { readPlainFile } from './plain-file.js';

/** A folder of this machine and where the container finds it. */
export interface GitMount {
  /** without links; it was checked to be a git repository, or the objects of one */
  readonly source: string;
  readonly target: string;
}

/** A file that the container sees instead of the repository's own. */
export interface ReplacedFile {
  /** the path in the container */
  readonly target: string;
  readonly text: string;
}

export interface GitMountPlan {
  /** what tasks may change in their layer */
  readonly repositories: readonly GitMount[];
  /** objects that the repository borrows from others */
  readonly objects: readonly GitMount[];
  /** files below `repositories` that name paths of this machine */
  readonly files: readonly ReplacedFile[];
  /** the text of `.git`, if that is a file: it names a path of this machine, and a task could make it name another */
  readonly dotGit?: string;
}

/** Where a container finds the repository of a working tree whose `.git` is a file. */
const containerGit = '/repo.git';

/** Paths of the container that nothing may be mounted on. */
const reserved = ['/', '/proc', '/sys', '/dev', '/soil', '/repo'];

/** Plans the mounts. Refuses folders that are no git repositories. `repo` is the path of the working tree in the container. */
export async function planGitMounts(
  folder: GitFolder,
  { repo, environment }: { readonly repo: string; readonly environment: Environment },
): Promise<Result<GitMountPlan>> {
  const target = folder.kind === 'file' ? containerGit : await containerPath(folder, repo);
  if (reserved.includes(target)) {
    return refuse(
      `cannot mount the repository of ${quote(folder.root, 300)}: its path would be ${quote(target)}`,
    );
  }
  const { gitDir, commonDir } = folder;
  const repositories: GitMount[] = [{ source: commonDir, target }];
  // A linked worktree has its own folder in the common one.
  const inner = relative(commonDir, gitDir);
  const isInside = !inner.startsWith('..');
  const gitTarget = isInside ? posix.join(target, inner) : `${containerGit}-worktree`;
  if (!isInside) repositories.push({ source: gitDir, target: gitTarget });
  const objects = await planObjects(folder, { target, repo });
  if (!objects.ok) return objects;
  return accept({
    repositories,
    objects: objects.value,
    files: await replaceFiles(folder, { target, gitTarget, repo, environment }),
    ...(folder.kind === 'file' && { dotGit: `gitdir: ${gitTarget}\n` }),
  });
}

/** Returns the path that `.git` of the working tree is, or leads to as a link, in the container. */
async function containerPath({ root, kind }: GitFolder, repo: string): Promise<string> {
  const path = posix.join(repo, '.git');
  return kind === 'folder' ? path : posix.resolve(repo, await readlink(join(root, '.git')));
}

interface Places {
  readonly target: string;
  readonly gitTarget: string;
  readonly repo: string;
  readonly environment: Environment;
}

/** Returns the files that name the working tree by its path on this machine. */
async function replaceFiles(
  folder: GitFolder,
  { target, gitTarget, repo, environment }: Places,
): Promise<readonly ReplacedFile[]> {
  const { gitDir, commonDir, kind } = folder;
  const files: ReplacedFile[] = [];
  if (gitDir !== commonDir) {
    files.push({ target: posix.join(gitTarget, 'gitdir'), text: `${posix.join(repo, '.git')}\n` });
    files.push({ target: posix.join(gitTarget, 'commondir'), text: `${target}\n` });
  } else if (kind !== 'folder') {
    const [worktree] = await readRepoSettings(folder, 'core.worktree', environment);
    const text =
      worktree === undefined ? undefined : await readPlainFile(join(commonDir, 'config'), 1_000_000);
    // The last value of a key counts (git-config(1)).
    if (text !== undefined) {
      files.push({ target: posix.join(target, 'config'), text: `${text}\n[core]\n\tworktree = ${repo}\n` });
    }
  }
  return files;
}

/** Plans the folders of objects that the repository borrows, and that the repositories of its submodules borrow. */
async function planObjects(
  { root, commonDir }: GitFolder,
  { target, repo }: { readonly target: string; readonly repo: string },
): Promise<Result<readonly GitMount[]>> {
  const places = new Map([
    [commonDir, target],
    [await realpath(root), repo],
  ]);
  const inContainer = (path: string): string | undefined => {
    for (const [source, at] of places) {
      const below = relative(source, path);
      if (!below.startsWith('..')) return posix.join(at, below);
    }
    return undefined;
  };
  const mounts: GitMount[] = [];
  for (const owner of [commonDir, ...(await listModules(join(commonDir, 'modules')))]) {
    const found = await readAlternates(owner);
    if (!found.ok) return found;
    for (const { of, named, path } of found.value) {
      const base = inContainer(of);
      if (path === undefined || base === undefined) continue;
      const at = posix.resolve(base, named);
      if (inContainer(path) === at || mounts.some((mount) => mount.target === at)) continue;
      if (reserved.includes(at))
        return refuse(`cannot mount ${quote(path, 300)} on ${quote(at)} of the container`);
      mounts.push({ source: path, target: at });
      if (!places.has(path)) places.set(path, at);
    }
  }
  return accept(mounts);
}

const maxModules = 1000;

/** Lists the repositories of submodules. Their names can have slashes, and they can have submodules. */
async function listModules(folder: string, found: string[] = []): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isDirectory() || found.length >= maxModules) continue;
    const path = join(folder, entry.name);
    if (await isRepository(path)) {
      found.push(path);
      await listModules(join(path, 'modules'), found);
    } else if (entry.name !== 'objects' && entry.name !== 'refs') await listModules(path, found);
  }
  return found;
}
