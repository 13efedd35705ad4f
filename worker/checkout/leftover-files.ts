/** Lists the untracked files that jobs leave in a repo, and removes them before a later job. */
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '../../files/atomic-file.js';
import { EntryError } from '../../files/folder-entry.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { runProcess, type CommandResult } from '../system/run-process.js';
import type { Environment } from '../git/git.js';
import { readGit, type ReadOptions } from '../git/repo-view.js';
import { outFolderName } from '../state/out-path.js';
import { openRepoState } from '../state/repo-state.js';

/** A file as the job left it. A path with a slash at the end is a folder: empty, or a repo of its own. */
interface LeftoverFile {
  readonly path: string;
  readonly size: number;
  /** modification time, milliseconds since 1970 */
  readonly changed: number;
  readonly isEmpty?: true;
}

export interface LeftoverOptions {
  readonly repo: string;
  readonly environment: Environment;
}

/** Returns the path of the list, which is in the worker's state: a task that could write it could have files removed. */
export async function leftoverListPath({ repo, environment }: LeftoverOptions): Promise<Result<string>> {
  return openRepoState(environment, repo, 'made-files.json');
}

/** About a million paths. A truncated list would make an old file look like a new one. */
const maxListBytes = 100_000_000;
const limits = { timeoutSeconds: 300, maxOutputBytes: maxListBytes + 1 } satisfies Partial<ReadOptions>;

/**
 * Lists untracked paths, including ignored files, and empty folders with a slash at the end. Returns undefined outside a
 * repo. Leaves out Soil's own folder.
 */
async function listUntracked(options: LeftoverOptions): Promise<ReadonlySet<string> | undefined> {
  // git lists a folder without tracked files as one path, an empty one too.
  const paths = await listOthers(options, '--directory');
  if (paths === undefined) return undefined;
  const untrackedFolders = new Set(paths.filter((path) => path.endsWith('/')));
  if (untrackedFolders.size === 0) return new Set(paths);
  const [files, emptyFolders] = await Promise.all([listOthers(options), listEmptyFolders(options)]);
  if (files === undefined) return undefined;
  return new Set([...files, ...emptyFolders.filter((path) => isWithin(path, untrackedFolders))]);
}

async function listOthers(
  { repo, environment }: LeftoverOptions,
  ...flags: readonly string[]
): Promise<readonly string[] | undefined> {
  const words = ['ls-files', '--others', ...flags, '-z', '--', '.', `:(exclude,top)${outFolderName}`];
  const end = await readGit(words, { environment, repo, ...limits });
  return end.status === 0 ? parsePaths(end) : undefined;
}

/** Lists empty folders with a slash at the end. */
async function listEmptyFolders({ repo, environment }: LeftoverOptions): Promise<readonly string[]> {
  const skippedPaths = ['(', '-name', '.git', '-o', '-path', `./${outFolderName}`, ')', '-prune'];
  const words = ['.', '-xdev', ...skippedPaths, '-o', '-type', 'd', '-empty', '-print0'];
  const paths = parsePaths(await runProcess('find', words, { environment, cwd: repo, ...limits })) ?? [];
  return paths.map((path) => `${path.replace(/^\.\//, '')}/`).filter((path) => path !== './');
}

function parsePaths({ stdout }: CommandResult): readonly string[] | undefined {
  if (Buffer.byteLength(stdout) > maxListBytes) return undefined;
  return stdout.split('\0').filter((path) => path !== '');
}

/** Reports whether a path is one of the folders or below one. */
function isWithin(path: string, folders: ReadonlySet<string>): boolean {
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
    if (folders.has(path.slice(0, end + 1))) return true;
  }
  return false;
}

/** The untracked paths before a job runs. */
export interface UntrackedSnapshot {
  readonly untracked: ReadonlySet<string>;
  /** those that earlier jobs created and that have not changed since */
  readonly leftovers: ReadonlySet<string>;
}

/** Lists the untracked paths before a job runs. Returns undefined outside a repo. */
export async function snapshotUntracked(options: LeftoverOptions): Promise<UntrackedSnapshot | undefined> {
  const untracked = await listUntracked(options);
  if (untracked === undefined) return undefined;
  const leftovers = new Set<string>();
  const list = await readLeftoverList(options);
  withFolder(options.repo, (folder) => {
    for (const file of list)
      if (untracked.has(file.path) && isUnchanged(folder, file)) leftovers.add(file.path);
  });
  return { untracked, leftovers };
}

/** Returns the files that earlier jobs created and that have not changed since. */
export async function listLeftovers(options: LeftoverOptions): Promise<ReadonlySet<string>> {
  const list = await readLeftoverList(options);
  if (list.length === 0) return new Set();
  return withFolder(
    options.repo,
    (folder) => new Set(list.filter((file) => isUnchanged(folder, file)).map(({ path }) => path)),
  );
}

/** Writes the list of files that this job or an earlier one created, including those that this job changed. */
export async function writeLeftoverList(options: LeftoverOptions, before: UntrackedSnapshot): Promise<void> {
  const now = await listUntracked(options);
  if (now === undefined) return;
  // A folder that existed before is not a leftover, even if the job emptied it.
  const oldFolders = listParents(before.untracked);
  const isNew = (path: string): boolean => !before.untracked.has(path) && !oldFolders.has(path);
  const created = [...now].filter((path) => isNew(path) || before.leftovers.has(path));
  const files = withFolder(options.repo, (folder) => created.map((path) => statLeftover(folder, path)));
  const list = files.filter((file) => file !== undefined);
  const path = await leftoverListPath(options);
  if (!path.ok) throw new Error(path.error);
  await writeWhole(path.value, JSON.stringify(list), { sync: false, mode: 0o600 });
}

function listParents(paths: ReadonlySet<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end + 1);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return folders;
}

function withFolder<T>(repo: string, use: (folder: UntrustedFolder) => T): T {
  const folder = new UntrustedFolder(repo);
  try {
    return use(folder);
  } finally {
    folder.close();
  }
}

function isUnchanged(folder: UntrustedFolder, { path, size, changed, isEmpty }: LeftoverFile): boolean {
  const now = statLeftover(folder, path);
  if (isEmpty === true) return now?.isEmpty === true;
  return now !== undefined && (path.endsWith('/') || (now.size === size && now.changed === changed));
}

/** Returns the facts of a path; undefined if it does not exist or is reached through a link. */
function statLeftover(folder: UntrustedFolder, path: string): LeftoverFile | undefined {
  try {
    const stats = folder.stat(path);
    if (stats === undefined) return undefined;
    const isFolder = stats.isDirectory();
    if (isFolder !== path.endsWith('/')) return undefined;
    const isEmpty = isFolder && isEmptyFolder(folder, path);
    return { path, size: stats.size, changed: stats.mtimeMs, ...(isEmpty && { isEmpty }) };
  } catch (error) {
    if (error instanceof EntryError) return undefined;
    throw error;
  }
}

/** Reports whether a folder is empty. One that cannot be read is not. */
function isEmptyFolder(folder: UntrustedFolder, path: string): boolean {
  try {
    return folder.list(path).length === 0;
  } catch {
    return false;
  }
}

async function readLeftoverList(options: LeftoverOptions): Promise<readonly LeftoverFile[]> {
  const path = await leftoverListPath(options);
  const text = path.ok ? await readFile(path.value, 'utf8').catch(() => '[]') : '[]';
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isLeftoverFile) : [];
  } catch {
    return [];
  }
}

/** Checks an entry: no path may lead out of the repo, or into `.git`. */
function isLeftoverFile(item: unknown): item is LeftoverFile {
  if (typeof item !== 'object' || item === null) return false;
  const { path, size, changed } = item as Record<string, unknown>;
  const parts = typeof path === 'string' ? path.replace(/\/$/, '').split('/') : [''];
  const isInside = parts.every((part) => part !== '' && part !== '.' && part !== '..') && parts[0] !== '.git';
  return isInside && typeof size === 'number' && typeof changed === 'number';
}

/** Up to this many paths are printed one by one; more are counted by top-level folder. */
const maxShownPaths = 20;

function formatRemoved(paths: readonly string[]): string[] {
  if (paths.length <= maxShownPaths) return paths.map((path) => `  ${quote(path, 200)}`);
  const counts = new Map<string, number>();
  for (const path of paths) {
    const [first = '', ...below] = path.split('/');
    const top = below.length === 0 ? first : `${first}/`;
    counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  return [...counts].map(([top, n]) => `  ${quote(top, 200)}${n === 1 ? '' : `: ${n}`}`);
}

/**
 * Removes the files that earlier jobs created, if they are still untracked and unchanged, and folders that become empty.
 * Prints their paths first. Returns how many it removed.
 */
export async function removeLeftovers(
  options: LeftoverOptions,
  print: (line: string) => void,
): Promise<Result<number>> {
  const list = await readLeftoverList(options);
  const untracked = list.length === 0 ? undefined : await listUntracked(options);
  if (untracked === undefined) return accept(0);
  const removed = withFolder(options.repo, (folder) => {
    const leftovers: LeftoverFile[] = [];
    for (const file of list) {
      if (!untracked.has(file.path)) continue;
      if (isUnchanged(folder, file)) leftovers.push(file);
      else print(`keeping ${quote(file.path, 200)}: it was changed after the job that created it`);
    }
    if (leftovers.length === 0) return accept(0);
    print(
      `removing ${leftovers.length} untracked ${leftovers.length === 1 ? 'path' : 'paths'} that earlier jobs created:`,
    );
    for (const line of formatRemoved(leftovers.map(({ path }) => path))) print(line);
    return removeFiles(folder, leftovers);
  });
  if (!removed.ok || removed.value === 0) return removed;
  const path = await leftoverListPath(options);
  if (path.ok) await rm(path.value, { force: true });
  return removed;
}

/** Removes the paths, and the folders that become empty. */
function removeFiles(folder: UntrustedFolder, leftovers: readonly LeftoverFile[]): Result<number> {
  try {
    const folders = new Set<string>();
    for (const { path, isEmpty } of leftovers) {
      if (isEmpty === true) folders.add(path.replace(/\/$/, ''));
      else folder.remove(path);
      for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) folders.add(parent);
    }
    // Deepest first. A folder that is not empty stays.
    const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
    for (const path of deepestFirst) folder.removeEmptyFolder(path);
    return accept(leftovers.length);
  } catch (error) {
    return refuse(`cannot remove the files of an earlier job: ${errorMessage(error)}`);
  }
}
