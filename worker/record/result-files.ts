/** The results that tasks name: files, folders and globs below the repo -> entries for the wwz. */
import { constants } from 'node:fs';
import { access, lstat, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { glob } from 'tinyglobby';
import { wwzIndex, wwzOwnFolder } from '../../model/path.js';
import { quote } from '../../model/result.js';
import type { TaskDeclaration } from '../../model/task.js';
import { checkWritableName } from '../../wwz/write.js';

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

export interface ResultSearch {
  readonly repo: string;
  /** the job's own folder: where it lies in the repo, it is no result */
  readonly out: string;
}

/**
 * Finds the results of tasks that ran. A symbolic link is never followed: it could lead anywhere on the machine. `.git`
 * is left out, since CI hosts keep their token in `.git/config`.
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
      const found = (await filesOf(root, pattern)).filter((name) => !name.startsWith(own));
      if (found.length === 0) notices.push(`task ${quote(task.name)}: there is no result ${quote(pattern)}`);
      for (const name of found) {
        const fault = await faultOf(root, name);
        if (fault === undefined) files.set(inWwz(name), join(root, name));
        else notices.push(`task ${quote(task.name)}: cannot keep result ${quote(name)}: ${fault}`);
      }
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

/** One file that cannot be kept must not cost the others. */
async function faultOf(root: string, name: string): Promise<string | undefined> {
  const checked = checkWritableName(inWwz(name));
  if (!checked.ok) return checked.error;
  return (await isReadable(join(root, name))) ? undefined : 'it cannot be read';
}

async function filesOf(root: string, pattern: string): Promise<string[]> {
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

/** A regular file whose folders are no links either: `link/file` would otherwise leave the repo. */
async function isInside(root: string, name: string): Promise<boolean> {
  try {
    const path = join(root, name);
    return (await lstat(path)).isFile() && (await realpath(path)) === path && path.startsWith(root + sep);
  } catch {
    return false; // gone since it was found
  }
}

export function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
