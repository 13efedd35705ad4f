/** Finds what a job's tasks will see that the commit does not have: changed, deleted and untracked files. */
import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { runProcess } from '../system/run-process.js';
import { gitReason, type Environment } from './git.js';
import { readGitFolder } from './git-folder.js';
import { listChangedSubmodules, parseStatus, type ChangedFile } from './changed-files.js';
import { openRepoView, type RepoView } from './repo-view.js';

export interface UncommittedOptions {
  readonly repo: string;
  readonly environment: Environment;
  /** a file of the worker that remembers what git saw of the working tree, so that unchanged files are not read again */
  readonly index?: string;
  /** reports whether a path is not to be counted: the worker's own, or made by an earlier job */
  readonly isKnown: (path: string) => boolean;
}

const limits = { timeoutSeconds: 300, maxOutputBytes: 100_000_000 };

/**
 * Compares the working tree with HEAD, and lists untracked files that are not ignored. Not with the index: it can say of a
 * file that its changes are to be overlooked. Fails outside a git repository, and where git cannot compare.
 */
export async function findUncommitted(options: UncommittedOptions): Promise<Result<readonly ChangedFile[]>> {
  const { repo, environment, isKnown } = options;
  const because = (reason: string): Result<never> => refuse(reason);
  const folder = await readGitFolder(repo);
  if (!folder.ok) return folder;
  if (folder.value === undefined) return because(`${quote(repo, 300)} is not a git repository`);
  const pipe = await findPipe(repo, environment);
  if (pipe !== undefined) return because(`${quote(pipe, 300)} is not a file that git can read`);
  const view = await openRepoView(folder.value, { environment });
  if (!view.ok) return view;
  try {
    const listed = await compare(view.value, options);
    if (!listed.ok) return listed;
    const submodules = await listChangedSubmodules(repo, view.value, environment);
    if (!submodules.ok) return submodules;
    return accept([...listed.value, ...submodules.value].filter(({ path }) => !isKnown(path)));
  } catch (error) {
    return because(errorMessage(error));
  } finally {
    await view.value.close();
  }
}

async function compare(
  view: RepoView,
  { index }: UncommittedOptions,
): Promise<Result<readonly ChangedFile[]>> {
  const own = join(view.gitDir, 'index');
  if (index !== undefined) await copyFile(index, own).catch(() => undefined);
  if (view.head.hash !== undefined) {
    // Entries of the same content keep what git stores of their file: size, times, inode.
    const read = async () => view.git(['read-tree', '-m', view.head.hash ?? ''], limits);
    let end = await read();
    if (end.status !== 0) {
      await rm(own, { force: true });
      end = await read();
    }
    if (end.status !== 0) return refuse(gitReason(end));
  }
  const words = [
    'status',
    '--porcelain',
    '-z',
    '--ignore-submodules=all',
    '--no-renames',
    '--untracked-files=all',
  ];
  const end = await view.git(words, { ...limits, variables: { GIT_OPTIONAL_LOCKS: '1' } });
  if (end.status !== 0) return refuse(gitReason(end));
  if (index !== undefined) await keepIndex(own, index);
  return accept(parseStatus(end.stdout));
}

/** Stores the index for the next job. Without it, every file is read again. */
async function keepIndex(own: string, index: string): Promise<void> {
  const temporary = `${index}.${process.pid}`;
  try {
    await copyFile(own, temporary);
    await rename(temporary, index);
  } catch {
    await rm(temporary, { force: true });
  }
}

/**
 * Returns a named pipe that git would open and wait for: as `.gitignore`, for example. Returns undefined if there is none.
 */
async function findPipe(repo: string, environment: Environment): Promise<string | undefined> {
  const names = ['.gitignore', '.gitattributes'].flatMap((name, i) => [
    ...(i === 0 ? [] : ['-o']),
    '-name',
    name,
  ]);
  const words = ['.', '-xdev', '-name', '.git', '-prune', '-o', '(', ...names, ')', '-type', 'p', '-print0'];
  const end = await runProcess('find', words, { environment, cwd: repo, timeoutSeconds: 60 });
  const [found] = end.stdout.split('\0');
  return found === undefined || found === '' ? undefined : found.replace(/^\.\//, '');
}
