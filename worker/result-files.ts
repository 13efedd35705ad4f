/** The results that tasks name: files, folders and globs below the repo -> entries for the wwz. */
import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { glob } from 'tinyglobby';
import { wwzIndex, wwzOwnFolder } from '../model/path.js';
import { quote } from '../model/result.js';
import type { TaskDeclaration } from '../model/task.js';

export interface ResultFile {
  /** inside the wwz */
  readonly name: string;
  /** on the host */
  readonly path: string;
}

export interface ResultFiles {
  readonly files: readonly ResultFile[];
  /** of each task that has one: the entry or folder its row links to */
  readonly links: ReadonlyMap<string, string>;
  /** what was named and is not there, or cannot be taken */
  readonly notices: readonly string[];
}

/** Finds the results of tasks that ran. A symbolic link is never followed: it could lead anywhere on the machine. */
export async function findResults(repo: string, tasks: readonly TaskDeclaration[]): Promise<ResultFiles> {
  const root = await realpath(repo);
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  const notices: string[] = [];
  for (const task of tasks) {
    for (const pattern of task.results) {
      const found = await filesOf(root, pattern);
      if (found.length === 0) notices.push(`task ${quote(task.name)}: there is no result ${quote(pattern)}`);
      for (const name of found) files.set(inWwz(name), join(root, name));
    }
    const [only, ...others] = task.results;
    const plain = others.length === 0 && only !== undefined && !/[*?[\]{}!]/.test(only) ? only : undefined;
    const link = task.resultHtml ?? plain;
    if (link === undefined) continue;
    const target = inWwz(link.replace(/^\.\//, ''));
    const folder = `${target.replace(/\/$/, '')}/`;
    if (files.has(target)) links.set(task.name, target);
    else if ([...files.keys()].some((name) => name.startsWith(folder))) links.set(task.name, folder);
    else if (task.resultHtml !== undefined) {
      notices.push(`task ${quote(task.name)}: there is no file ${quote(link)} to link to`);
    }
  }
  return { files: [...files].map(([name, path]) => ({ name, path })), links, notices };
}

/** A result that has the name of one of Soil's own files moves aside, into Soil's folder. */
function inWwz(name: string): string {
  const taken = name === wwzIndex || name === wwzOwnFolder || name.startsWith(`${wwzOwnFolder}/`);
  return taken ? `${wwzOwnFolder}/results/${name}` : name;
}

async function filesOf(root: string, pattern: string): Promise<string[]> {
  const found = await glob(pattern, {
    cwd: root,
    onlyFiles: true,
    dot: true,
    followSymbolicLinks: false,
    expandDirectories: true,
  });
  const inside = await Promise.all(found.map((name) => isInside(root, name)));
  return found.filter((_, i) => inside[i]).sort();
}

/** A regular file whose folders are no links either: `link/file` would otherwise leave the repo. */
async function isInside(root: string, name: string): Promise<boolean> {
  try {
    const path = join(root, name);
    return (await lstat(path)).isFile() && (await realpath(path)) === path && path.startsWith(root + sep);
  } catch {
    return false; // gone since it was found
  }
}
