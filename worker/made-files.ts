/** What a job has made in the repo that git does not know: listed while the job runs, shown and removed before the next one. */
import { lstat, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { runGit, type Environment } from './git.js';
import { outName } from './out-folder.js';

/** A file, or a folder with a repo of its own in it (then with a slash at its end), as it was when the job ended. */
interface MadeFile {
  readonly path: string;
  readonly size: number;
  /** milliseconds since 1970 */
  readonly changed: number;
}

export interface MadeOptions {
  readonly repo: string;
  readonly environment: Environment;
}

/** In git's own folder, where it is no file of the repo. */
async function listOf({ repo, environment }: MadeOptions): Promise<string> {
  const end = await runGit([...anyOwner, 'rev-parse', '--git-path', 'soil-made.json'], {
    environment,
    cwd: repo,
  });
  return resolve(repo, end.stdout.replace(/\n$/, ''));
}

const anyOwner = ['-c', 'safe.directory=*'];
/** More than what a command's output is kept of: a list that was cut would make an old file look like a new one. */
const mostBytes = 15_000_000;

/** Paths that git does not know, ignored ones too; undefined where there is no repo of git. Soil's own folder is left out. */
async function listUnknown({ repo, environment }: MadeOptions): Promise<ReadonlySet<string> | undefined> {
  const words = [...anyOwner, 'ls-files', '--others', '-z', '--', '.', `:(exclude,top)${outName}`];
  const end = await runGit(words, { environment, cwd: repo, timeoutSeconds: 300 });
  if (end.status !== 0 || Buffer.byteLength(end.stdout) > mostBytes) return undefined;
  return new Set(end.stdout.split('\0').filter((path) => path !== ''));
}

/** The repo as a job finds it. */
export interface MadeBefore {
  /** what git does not know */
  readonly unknown: ReadonlySet<string>;
  /** of it, what earlier jobs have made and nobody has touched */
  readonly made: ReadonlySet<string>;
}

/** Looks before a job begins; undefined where there is no repo of git. */
export async function lookBefore(options: MadeOptions): Promise<MadeBefore | undefined> {
  const unknown = await listUnknown(options);
  if (unknown === undefined) return undefined;
  const made = new Set<string>();
  for (const file of await readMadeList(options)) {
    if (unknown.has(file.path) && (await isAsLeft(options.repo, file))) made.add(file.path);
  }
  return { unknown, made };
}

/** Keeps the list of what the job has made, and of what earlier ones have, whether this one changed it or not. */
export async function keepMadeList(options: MadeOptions, before: MadeBefore): Promise<void> {
  const now = await listUnknown(options);
  if (now === undefined) return;
  const ours = [...now].filter((path) => !before.unknown.has(path) || before.made.has(path));
  const files = await Promise.all(ours.map((path) => madeFile(options.repo, path)));
  const list = files.filter((file) => file !== undefined);
  await writeFile(await listOf(options), JSON.stringify(list), { mode: 0o600 });
}

async function isAsLeft(repo: string, { path, size, changed }: MadeFile): Promise<boolean> {
  const now = await madeFile(repo, path);
  return now !== undefined && (path.endsWith('/') || (now.size === size && now.changed === changed));
}

async function madeFile(repo: string, path: string): Promise<MadeFile | undefined> {
  const facts = await lstat(join(repo, path)).catch(() => undefined);
  return facts && { path, size: facts.size, changed: facts.mtimeMs };
}

async function readMadeList(options: MadeOptions): Promise<readonly MadeFile[]> {
  const text = await readFile(await listOf(options), 'utf8').catch(() => '[]');
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isMadeFile) : [];
  } catch {
    return [];
  }
}

/** The list lies in the repo, where tasks can write: no path of it may lead out. */
function isMadeFile(item: unknown): item is MadeFile {
  if (typeof item !== 'object' || item === null) return false;
  const { path, size, changed } = item as Record<string, unknown>;
  const parts = typeof path === 'string' ? path.replace(/\/$/, '').split('/') : [''];
  const isInside = parts.every((part) => part !== '' && part !== '.' && part !== '..') && parts[0] !== '.git';
  return isInside && typeof size === 'number' && typeof changed === 'number';
}

/** So many are named one by one. */
const shownFiles = 20;

/**
 * Removes what earlier jobs have made: only what git still does not know, and only as the job left it. Each is shown
 * first. A folder that is empty then goes too.
 */
export async function removeMade(
  options: MadeOptions,
  print: (line: string) => void,
): Promise<Result<number>> {
  const { repo } = options;
  const list = await readMadeList(options);
  const unknown = list.length === 0 ? undefined : await listUnknown(options);
  if (unknown === undefined) return accept(0);
  const there: MadeFile[] = [];
  for (const file of list) {
    if (!unknown.has(file.path)) continue;
    if (await isAsLeft(repo, file)) there.push(file);
    else print(`kept, since it was changed after the job that made it: ${quote(file.path, 200)}`);
  }
  if (there.length === 0) return accept(0);
  print(`removing ${there.length} that earlier jobs made here and git does not know:`);
  for (const { path } of there.slice(0, shownFiles)) print(`  ${quote(path, 200)}`);
  if (there.length > shownFiles)
    print(`  and ${there.length - shownFiles} more: git ls-files --others shows them`);
  try {
    const folders = new Set<string>();
    for (const { path } of there) {
      await rm(join(repo, path), { recursive: path.endsWith('/'), force: true });
      for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at);
    }
    // The deepest first; one that still holds something stays.
    const deepest = [...folders].sort((a, b) => b.length - a.length);
    for (const folder of deepest) await rmdir(join(repo, folder)).catch(() => undefined);
    await rm(await listOf(options), { force: true });
    return accept(there.length);
  } catch (error) {
    return refuse(`cannot remove what an earlier job made: ${(error as Error).message}`);
  }
}
