/** Finds the results of tasks in the repo: the files, folders and globs that they declare. */
import { constants } from 'node:fs';
import { access, lstat, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { glob } from 'tinyglobby';
import { wwzIndex, wwzSoilFolder } from '../../model/path.js';
import { quote } from '../../model/result.js';
import type { TaskDeclaration } from '../../model/task.js';
import { checkWritableName } from '../../wwz/write.js';

export interface ResultFile {
  /** the path in the wwz */
  readonly name: string;
  /** the path on this machine */
  readonly path: string;
}

export interface ResultFiles {
  readonly files: readonly ResultFile[];
  /** the file or folder in the wwz that the row of each task links to, by task */
  readonly links: ReadonlyMap<string, string>;
  /** what is missing or cannot be stored */
  readonly notices: readonly string[];
}

export interface ResultSearch {
  readonly repo: string;
  /** the job's own folder, which is never a result */
  readonly out: string;
}

/**
 * Finds the results of tasks that ran. Never follows symbolic links, since they can point anywhere on the machine. Skips
 * `.git`, since CI hosts store their token in `.git/config`.
 */
export async function findResults(
  { repo, out }: ResultSearch,
  tasks: readonly TaskDeclaration[],
): Promise<ResultFiles> {
  const root = await realpath(repo);
  const own = `${relative(root, await realpath(out).catch(() => out))}/`;
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  const notices: string[] = [];
  for (const task of tasks) {
    for (const pattern of task.results) {
      const found = (await findFiles(root, pattern)).filter((name) => !name.startsWith(own));
      if (found.length === 0)
        notices.push(`task ${quote(task.name)}: no file matches result ${quote(pattern)}`);
      for (const name of found) {
        const problem = await findProblem(root, name);
        if (problem === undefined) files.set(wwzName(name), join(root, name));
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
  return { files: [...files].map(([name, path]) => ({ name, path })), links, notices };
}

/** Returns the name in the wwz. A result with the name of one of Soil's own files is moved to Soil's folder. */
function wwzName(name: string): string {
  const isTaken = name === wwzIndex || name === wwzSoilFolder || name.startsWith(`${wwzSoilFolder}/`);
  return isTaken ? `${wwzSoilFolder}/results/${name}` : name;
}

/** Returns why a file cannot be stored, so that it does not prevent storing the others. */
async function findProblem(root: string, name: string): Promise<string | undefined> {
  const checked = checkWritableName(wwzName(name));
  if (!checked.ok) return checked.error;
  return (await isReadable(join(root, name))) ? undefined : 'cannot read it';
}

async function findFiles(root: string, pattern: string): Promise<string[]> {
  const found = await glob(pattern, {
    cwd: root,
    onlyFiles: true,
    dot: true,
    ignore: ['**/.git/**', '.git/**'],
    followSymbolicLinks: false,
    expandDirectories: true,
  });
  const inside = await Promise.all(found.map((name) => isInside(root, name)));
  return found.filter((_, i) => inside[i]).sort();
}

/** Reports whether a name is a regular file and none of its folders is a link: `link/file` could be outside the repo. */
async function isInside(root: string, name: string): Promise<boolean> {
  try {
    const path = join(root, name);
    return (await lstat(path)).isFile() && (await realpath(path)) === path && path.startsWith(root + sep);
  } catch {
    return false; // removed since it was found
  }
}

/** Reports whether this process can read a file. */
export function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
