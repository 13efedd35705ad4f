/** What a job has made in the repo that git does not know: listed while the job runs, shown and removed before the next one. */
import { lstat, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeWhole } from '../../files/atomic-file.js';
import { errorMessage } from '../../model/error-message.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { runProcess, type CommandResult } from '../system/run-process.js';
import { readGit, type Environment } from '../system/git.js';
import { outFolderName } from '../record/out-folder.js';

/** A file, as it was when the job ended; with a slash at its end a folder: an empty one, or a repo of its own. */
interface LeftoverFile {
  readonly path: string;
  readonly size: number;
  /** milliseconds since 1970 */
  readonly changed: number;
  readonly isEmpty?: true;
}

export interface LeftoverOptions {
  readonly repo: string;
  readonly environment: Environment;
}

/** In git's own folder, where it is no file of the repo. */
async function listOf({ repo, environment }: LeftoverOptions): Promise<string> {
  const end = await readGit(['rev-parse', '--git-path', 'soil-made.json'], {
    environment,
    cwd: repo,
  });
  return resolve(repo, end.stdout.replace(/\n$/, ''));
}

/** A million paths. A list that was cut would make an old file look like a new one. */
const mostBytes = 100_000_000;

/**
 * Paths that git does not know, ignored ones too, and folders without a file, which git never knows, with a slash at
 * their end; undefined where there is no repo of git. Soil's own folder is left out.
 */
async function listUnknown(options: LeftoverOptions): Promise<ReadonlySet<string> | undefined> {
  const [files, folders] = await Promise.all([listOthers(options), listOthers(options, '--directory')]);
  if (files === undefined || folders === undefined) return undefined;
  const whole = new Set(folders.filter((path) => path.endsWith('/')));
  const empty = (await listEmpty(options)).filter((path) => isWithin(path, whole));
  return new Set([...files, ...empty]);
}

async function listOthers(
  { repo, environment }: LeftoverOptions,
  ...flags: readonly string[]
): Promise<readonly string[] | undefined> {
  const words = ['ls-files', '--others', ...flags, '-z', '--', '.', `:(exclude,top)${outFolderName}`];
  const limits = { timeoutSeconds: 300, keptBytes: mostBytes + 1 };
  const end = await readGit(words, { environment, cwd: repo, ...limits });
  return end.status === 0 ? pathsOf(end) : undefined;
}

/** Folders that hold nothing at all: `made/`. */
async function listEmpty({ repo, environment }: LeftoverOptions): Promise<readonly string[]> {
  const passedOver = ['(', '-name', '.git', '-o', '-path', `./${outFolderName}`, ')', '-prune'];
  const words = ['.', '-xdev', ...passedOver, '-o', '-type', 'd', '-empty', '-print0'];
  const limits = { timeoutSeconds: 300, keptBytes: mostBytes + 1 };
  const paths = pathsOf(await runProcess('find', words, { environment, cwd: repo, ...limits })) ?? [];
  return paths.map((path) => `${path.replace(/^\.\//, '')}/`).filter((path) => path !== './');
}

function pathsOf({ stdout }: CommandResult): readonly string[] | undefined {
  if (Buffer.byteLength(stdout) > mostBytes) return undefined;
  return stdout.split('\0').filter((path) => path !== '');
}

/** Whether a folder is one of some, or below one. */
function isWithin(path: string, folders: ReadonlySet<string>): boolean {
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
    if (folders.has(path.slice(0, end + 1))) return true;
  }
  return false;
}

/** The repo as a job finds it. */
export interface UntrackedSnapshot {
  /** what git does not know */
  readonly untracked: ReadonlySet<string>;
  /** of it, what earlier jobs have made and nobody has touched */
  readonly leftovers: ReadonlySet<string>;
}

/** Looks before a job begins; undefined where there is no repo of git. */
export async function snapshotUntracked(options: LeftoverOptions): Promise<UntrackedSnapshot | undefined> {
  const unknown = await listUnknown(options);
  if (unknown === undefined) return undefined;
  const made = new Set<string>();
  for (const file of await readLeftoverList(options)) {
    if (unknown.has(file.path) && (await isAsLeft(options.repo, file))) made.add(file.path);
  }
  return { untracked: unknown, leftovers: made };
}

/** Keeps the list of what the job has made, and of what earlier ones have, whether this one changed it or not. */
export async function writeLeftoverList(options: LeftoverOptions, before: UntrackedSnapshot): Promise<void> {
  const now = await listUnknown(options);
  if (now === undefined) return;
  // A folder that was there before is nobody's, though the job has emptied it.
  const old = foldersOf(before.untracked);
  const isNew = (path: string): boolean => !before.untracked.has(path) && !old.has(path);
  const ours = [...now].filter((path) => isNew(path) || before.leftovers.has(path));
  const files = await Promise.all(ours.map((path) => statLeftover(options.repo, path)));
  const list = files.filter((file) => file !== undefined);
  await writeWhole(await listOf(options), JSON.stringify(list), { sync: false, mode: 0o600 });
}

function foldersOf(paths: ReadonlySet<string>): ReadonlySet<string> {
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

async function isAsLeft(repo: string, { path, size, changed, isEmpty }: LeftoverFile): Promise<boolean> {
  const now = await statLeftover(repo, path);
  if (isEmpty === true) return now?.isEmpty === true;
  return now !== undefined && (path.endsWith('/') || (now.size === size && now.changed === changed));
}

async function statLeftover(repo: string, path: string): Promise<LeftoverFile | undefined> {
  const facts = await lstat(join(repo, path)).catch(() => undefined);
  if (facts === undefined) return undefined;
  const isEmpty = path.endsWith('/') && (await readdir(join(repo, path)).catch(() => ['?'])).length === 0;
  return { path, size: facts.size, changed: facts.mtimeMs, ...(isEmpty && { isEmpty }) };
}

async function readLeftoverList(options: LeftoverOptions): Promise<readonly LeftoverFile[]> {
  const text = await readFile(await listOf(options), 'utf8').catch(() => '[]');
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isLeftoverFile) : [];
  } catch {
    return [];
  }
}

/** The list lies in the repo, where tasks can write: no path of it may lead out. */
function isLeftoverFile(item: unknown): item is LeftoverFile {
  if (typeof item !== 'object' || item === null) return false;
  const { path, size, changed } = item as Record<string, unknown>;
  const parts = typeof path === 'string' ? path.replace(/\/$/, '').split('/') : [''];
  const isInside = parts.every((part) => part !== '' && part !== '.' && part !== '..') && parts[0] !== '.git';
  return isInside && typeof size === 'number' && typeof changed === 'number';
}

/** So many are named one by one; of more, those in the same folder of the root in one line. */
const shownFiles = 20;

function formatRemoved(paths: readonly string[]): string[] {
  if (paths.length <= shownFiles) return paths.map((path) => `  ${quote(path, 200)}`);
  const counts = new Map<string, number>();
  for (const path of paths) {
    const [first = '', ...below] = path.split('/');
    const top = below.length === 0 ? first : `${first}/`;
    counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  return [...counts].map(([top, n]) => `  ${quote(top, 200)}${n === 1 ? '' : `: ${n}`}`);
}

/**
 * Removes what earlier jobs have made: only what git still does not know, and only as the job left it. Each is shown
 * first. A folder that is empty then goes too.
 */
export async function removeLeftovers(
  options: LeftoverOptions,
  print: (line: string) => void,
): Promise<Result<number>> {
  const { repo } = options;
  const list = await readLeftoverList(options);
  const unknown = list.length === 0 ? undefined : await listUnknown(options);
  if (unknown === undefined) return accept(0);
  const there: LeftoverFile[] = [];
  for (const file of list) {
    if (!unknown.has(file.path)) continue;
    if (await isAsLeft(repo, file)) there.push(file);
    else print(`kept, since it was changed after the job that made it: ${quote(file.path, 200)}`);
  }
  if (there.length === 0) return accept(0);
  print(`removing ${there.length} that earlier jobs made here and git does not know:`);
  for (const line of formatRemoved(there.map(({ path }) => path))) print(line);
  try {
    const folders = new Set<string>();
    for (const { path, isEmpty } of there) {
      if (isEmpty === true) folders.add(path.replace(/\/$/, ''));
      else await rm(join(repo, path), { recursive: path.endsWith('/'), force: true });
      for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at);
    }
    // The deepest first; one that still holds something stays.
    const deepest = [...folders].sort((a, b) => b.length - a.length);
    for (const folder of deepest) await rmdir(join(repo, folder)).catch(() => undefined);
    await rm(await listOf(options), { force: true });
    return accept(there.length);
  } catch (error) {
    return refuse(`cannot remove what an earlier job made: ${errorMessage(error)}`);
  }
}
