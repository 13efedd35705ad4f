/** Finds out which files of another machine are results and artifacts of a job, by the names of the files there. */
import type { Dirent, readdir } from 'node:fs';
import { escapePath, glob, type FileSystemAdapter } from 'tinyglobby';

const special = /[*?[\]{}()!+@]/;

/** Returns the paths below which all files are that a pattern could match: the whole pattern, or its first folders. */
export function searchRoot(pattern: string): string {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const end = parts.findIndex((part) => special.test(part));
  const root = (end < 0 ? parts : parts.slice(0, end)).join('/');
  return root === '' ? '.' : root;
}

/** Returns the names that the patterns match, as they would match files of this machine. */
export async function matchNames(
  names: readonly string[],
  patterns: readonly string[],
): Promise<ReadonlySet<string>> {
  const tree = treeOf(names);
  const all = new Set(names);
  const found = new Set<string>();
  for (const pattern of patterns) {
    const plain = pattern.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
    // A file may be called `q{1,2}.txt`.
    const isName = all.has(plain) || tree.has(plain);
    const matched = await glob(isName ? escapePath(pattern) : pattern, {
      ...{ cwd: '/', fs: readFrom(tree), ignore: ['**/.git/**', '.git/**'] },
      ...{ onlyFiles: true, dot: true, followSymbolicLinks: false, expandDirectories: true },
    });
    for (const name of matched) found.add(name);
    if (all.has(plain)) found.add(plain);
  }
  return found;
}

type Tree = ReadonlyMap<string, ReadonlyMap<string, 'file' | 'folder'>>;

/** Returns the entries of each folder. The root is the empty name. */
function treeOf(names: readonly string[]): Tree {
  const tree = new Map<string, Map<string, 'file' | 'folder'>>();
  const add = (folder: string, name: string, kind: 'file' | 'folder'): void => {
    const entries = tree.get(folder) ?? new Map<string, 'file' | 'folder'>();
    tree.set(folder, entries.set(name, kind));
  };
  for (const name of names) {
    const parts = name.split('/');
    for (let depth = 0; depth < parts.length; depth++) {
      add(
        parts.slice(0, depth).join('/'),
        parts[depth] ?? '',
        depth === parts.length - 1 ? 'file' : 'folder',
      );
    }
  }
  return tree;
}

function readFrom(tree: Tree): FileSystemAdapter {
  const list = (
    path: string,
    _options: unknown,
    done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    const folder = path
      .split('/')
      .filter((part) => part !== '')
      .join('/');
    const entries = [...(tree.get(folder) ?? [])].map(([name, kind]) => ({
      name,
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'folder',
      isSymbolicLink: () => false,
    }));
    setImmediate(done, null, entries as unknown as Dirent[]);
  };
  return { readdir: list as unknown as typeof readdir };
}
