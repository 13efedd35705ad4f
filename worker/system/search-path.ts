/** The PATH on which the worker looks up its own programs: without folders that a repo or its tasks could have filled. */
import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';

export interface SearchPath {
  /** absolute folders outside the repo, in the order of PATH */
  readonly path: string;
  /** the entries of PATH that were left out, as they were written */
  readonly leftOut: readonly string[];
}

/** Programs that the worker starts itself. A folder in which one of them leads into the repo is left out. */
const ownPrograms = [
  'git',
  'podman',
  'docker',
  'ssh',
  'sh',
  'tar',
  'find',
  'cp',
  'rm',
  'mkfifo',
  'ps',
  'ldd',
];

/** Without any folder left, programs of the system are still found. */
const systemPath = ['/usr/bin', '/bin'].join(delimiter);

/**
 * Returns PATH without empty and relative entries, and without folders that lie in a repo or are reached through one. npx
 * and npm put `node_modules/.bin` of the repo first, where a task of an earlier job can leave a program named `git`.
 */
export function planSearchPath(
  { PATH, HOME }: Readonly<Record<string, string | undefined>>,
  cwd: string,
): SearchPath {
  if (PATH === undefined) return { path: systemPath, leftOut: [] };
  const roots = findRoots(cwd, HOME);
  const entries = PATH.split(delimiter);
  const isSafe = (entry: string): boolean =>
    isAbsolute(entry) &&
    !leadsInto(entry, roots) &&
    !ownPrograms.some((program) => isLinkInto(join(entry, program), roots));
  const safe = new Set([...new Set(entries)].filter(isSafe));
  return {
    path: safe.size === 0 ? systemPath : [...safe].join(delimiter),
    leftOut: entries.filter((entry) => !safe.has(entry)),
  };
}

/** A folder that a repo's tasks can write. */
interface Root {
  readonly path: string;
  readonly stats: Stats | undefined;
}

/**
 * Finds the repos that a folder is in, without git: which git to run is the question. Outside a repo, the folder itself
 * takes the place of the repo. A repo around the user's home, as some keep for dotfiles, is no repo of a job in a subfolder.
 */
function findRoots(cwd: string, home: string | undefined): readonly Root[] {
  const found: string[] = [];
  const start = realPath(cwd);
  const ownHome = home === undefined || home === '' ? undefined : realPath(home);
  for (let folder = start; ; folder = dirname(folder)) {
    const isHome = ownHome !== undefined && isInside(ownHome, folder);
    if (statLink(join(folder, '.git')) !== undefined && (found.length === 0 || !isHome)) found.push(folder);
    if (folder === dirname(folder)) break;
  }
  return (found.length === 0 ? [start] : found).map((path) => ({ path, stats: statLink(path) }));
}

/**
 * Reports whether a path or one of the links in it passes through a root. Compares devices and inodes as well as names,
 * since a folder can be mounted twice, and some file systems ignore case.
 */
function leadsInto(path: string, roots: readonly Root[]): boolean {
  let at: string = sep;
  let links = 0;
  const left = parts(path);
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '..') {
      at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const stats = statLink(next);
    if (roots.some((root) => isInside(next, root.path) || isSame(stats, root.stats))) return true;
    if (stats?.isSymbolicLink() !== true) {
      at = next;
      continue;
    }
    // A link that cannot be followed is nobody's program.
    if (++links > 40) return true;
    const target = readLink(next);
    if (isAbsolute(target)) at = sep;
    left.unshift(...parts(target));
  }
  return false;
}

/** The folder of the path was checked before, so only a link can lead elsewhere. */
const isLinkInto = (path: string, roots: readonly Root[]): boolean =>
  statLink(path)?.isSymbolicLink() === true && leadsInto(path, roots);

const parts = (path: string): string[] => path.split(sep).filter((part) => part !== '' && part !== '.');

const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);

const isSame = (a: Stats | undefined, b: Stats | undefined): boolean =>
  a !== undefined && a.dev === b?.dev && a.ino === b.ino;

function statLink(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
