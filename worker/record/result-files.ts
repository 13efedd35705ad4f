/** Finds the results of tasks in the repo: the files, folders and globs that they declare. */
import { accessSync, constants, type Dirent, type readdir } from 'node:fs';
import { access, type FileHandle } from 'node:fs/promises';
import { relative } from 'node:path';
import { escapePath, glob, type FileSystemAdapter } from 'tinyglobby';
import { EntryError, linkError } from '../../files/folder-entry.js';
import type { UntrustedFolder } from '../../files/untrusted-folder.js';
import { wwzIndex, wwzSoilFolder } from '../../model/path.js';
import { quote } from '../../model/result.js';
import type { TaskDeclaration } from '../../model/task.js';
import { checkWritableName } from '../../wwz/write.js';

export interface ResultFile {
  /** the path in the wwz */
  readonly name: string;
  /** opens the file for reading; rejects if it is no longer a regular file, or is reached through a link */
  readonly open: () => Promise<FileHandle>;
}

export interface ResultFiles {
  readonly files: readonly ResultFile[];
  /** the file or folder in the wwz that the row of each task links to, by task */
  readonly links: ReadonlyMap<string, string>;
  /** what is missing or cannot be stored */
  readonly notices: readonly string[];
}

export interface ResultSearch {
  readonly repo: UntrustedFolder;
  /** folders with files of Soil, relative to the repo: they are never results */
  readonly ownFolders: readonly string[];
}

/**
 * Finds the results of tasks that ran. Never follows symbolic links, since they can point anywhere on the machine. Skips
 * `.git`, since CI hosts store their token in `.git/config`.
 */
export async function findResults(
  { repo, ownFolders }: ResultSearch,
  tasks: readonly TaskDeclaration[],
): Promise<ResultFiles> {
  const isOwn = (name: string): boolean => ownFolders.some((own) => `${name}/`.startsWith(`${own}/`));
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  const notices: string[] = [];
  for (const task of tasks) {
    for (const pattern of task.results) {
      const { names, reason } = await findFiles(repo, pattern);
      const found = names.filter((name) => !isOwn(name));
      if (found.length === 0)
        notices.push(
          `task ${quote(task.name)}: no file matches result ${quote(pattern)}${reason === undefined ? '' : `: ${reason}`}`,
        );
      for (const name of found) {
        const problem = findProblem(repo, name);
        if (problem === undefined) files.set(wwzName(name), name);
        else notices.push(`task ${quote(task.name)}: cannot store result ${quote(name)}: ${problem}`);
      }
    }
    const [only, ...others] = task.results;
    const plain = others.length === 0 && only !== undefined && !/[*?[\]{}!]/.test(only) ? only : undefined;
    const link = task.resultHtml ?? plain;
    if (link === undefined) continue;
    const target = wwzName(link.replace(/^\.\//, ''));
    const folder = `${target.replace(/\/$/, '')}/`;
    if (files.has(target)) links.set(task.name, target);
    else if ([...files.keys()].some((name) => name.startsWith(folder))) links.set(task.name, folder);
    else if (task.resultHtml !== undefined) {
      notices.push(`task ${quote(task.name)}: cannot link to ${quote(link)}: it is not among the results`);
    }
  }
  const opened = [...files].map(([name, path]) => ({ name, open: () => repo.openFile(path) }));
  return { files: opened, links, notices };
}

/** Returns the name in the wwz. A result with the name of one of Soil's own files is moved to Soil's folder. */
function wwzName(name: string): string {
  const isTaken = name === wwzIndex || name === wwzSoilFolder || name.startsWith(`${wwzSoilFolder}/`);
  return isTaken ? `${wwzSoilFolder}/results/${name}` : name;
}

/** Returns why a file cannot be stored, so that it does not prevent storing the others. */
function findProblem(repo: UntrustedFolder, name: string): string | undefined {
  const checked = checkWritableName(wwzName(name));
  if (!checked.ok) return checked.error;
  try {
    repo.use(name, ({ path, stats }) => {
      if (!stats.isFile()) throw new EntryError('ENOTREG', 'not a regular file');
      accessSync(path, constants.R_OK);
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    return error.code === 'EACCES' ? 'cannot read it' : error.message;
  }
}

/** Returns the files that a pattern matches, sorted, and why there may be none. */
async function findFiles(
  repo: UntrustedFolder,
  pattern: string,
): Promise<{ readonly names: readonly string[]; readonly reason?: string }> {
  let isName = false;
  try {
    // A file may be called `q{1,2}.txt`.
    const stats = repo.stat(pattern);
    isName = stats !== undefined;
    if (stats?.isSymbolicLink() === true) throw linkError(pattern);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    if (error.code === 'ELOOP') return { names: [], reason: error.message };
  }
  const found = await glob(isName ? escapePath(pattern) : pattern, {
    ...{ cwd: repo.path, fs: readThrough(repo) },
    ...{ onlyFiles: true, dot: true, followSymbolicLinks: false, expandDirectories: true },
    ignore: ['**/.git/**', '.git/**'],
  });
  return { names: found.sort() };
}

/** Makes the search list folders by descriptor. */
function readThrough(repo: UntrustedFolder): FileSystemAdapter {
  const list = (
    path: string,
    _options: unknown,
    done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    // Later, so that signals and output are handled during a long search.
    setImmediate(() => {
      let entries: Dirent[] = [];
      try {
        entries = [...repo.list(relative(repo.path, path))];
      } catch (error) {
        if (!(error instanceof EntryError)) throw error;
      }
      done(null, entries);
    });
  };
  return { readdir: list as unknown as typeof readdir };
}

/** Reports whether this process can read a file of its own. */
export function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
