/** Walks an untrusted folder: lists what is in it, and resolves the links of a path that stay in it. */
import { setImmediate } from 'node:timers/promises';
import type { Dirent } from 'node:fs';
import { quote } from '../model/result.js';
import { EntryError } from './folder-entry.js';
import type { UntrustedFolder } from './untrusted-folder.js';

export interface FoundEntry {
  /** relative to the untrusted folder */
  readonly path: string;
  /** `too-long`: a folder whose path has more than `maxPathBytes`; it is not entered. `unreadable`: a folder, listed again */
  readonly kind: 'file' | 'folder' | 'link' | 'other' | 'too-long' | 'unreadable';
}

/** The limit of a name in a wwz. */
const maxPathBytes = 1024;
/** Signals and output are handled after so many folders. */
const foldersPerTurn = 200;

/**
 * Lists everything below a folder, in no order. Never enters a link, nor a folder that `enter` refuses. What is removed
 * meanwhile is left out.
 */
export async function* walkFolder(
  folder: UntrustedFolder,
  path: string,
  enter: (path: string) => boolean = () => true,
): AsyncGenerator<FoundEntry> {
  const waiting = [path];
  for (let next = waiting.pop(), count = 1; next !== undefined; next = waiting.pop(), count++) {
    if (count % foldersPerTurn === 0) await setImmediate();
    const entries = listIfPresent(folder, next);
    if (entries === undefined) yield { path: next, kind: 'unreadable' };
    for (const entry of entries ?? []) {
      const found = next === '' ? entry.name : `${next}/${entry.name}`;
      const kind = kindOf(entry, found);
      if (kind === 'folder' && enter(found)) waiting.push(found);
      yield { path: found, kind };
    }
  }
}

function listIfPresent(folder: UntrustedFolder, path: string): readonly Dirent[] | undefined {
  try {
    return folder.list(path);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    return error.code === 'ENOENT' ? [] : undefined;
  }
}

function kindOf(entry: Dirent, path: string): FoundEntry['kind'] {
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isFile()) return 'file';
  if (!entry.isDirectory()) return 'other';
  return Buffer.byteLength(path) > maxPathBytes ? 'too-long' : 'folder';
}

/** As many links as the kernel follows in one path. */
const maxLinks = 40;

/**
 * Returns the path of what a path names when links are followed: a path below the folder without links. Throws an EntryError
 * if there is no such entry, or if a link leads out of the folder.
 */
export function resolveInside(folder: UntrustedFolder, path: string): string {
  const waiting = path.split('/');
  const real: string[] = [];
  const outside = (): EntryError => new EntryError('EXDEV', `it leads out of ${quote(folder.path, 300)}`);
  let links = 0;
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (real.pop() === undefined) throw outside();
      continue;
    }
    const here = [...real, part].join('/');
    const stats = folder.stat(here);
    if (stats === undefined) throw new EntryError('ENOENT', 'no such file or directory');
    if (!stats.isSymbolicLink()) {
      real.push(part);
      continue;
    }
    if (++links > maxLinks) throw new EntryError('ELOOP', 'it has too many symbolic links');
    const target = folder.readLink(here);
    if (!target.startsWith('/')) waiting.unshift(...target.split('/'));
    else if (`${target}/`.startsWith(`${folder.path}/`)) {
      real.length = 0;
      waiting.unshift(...target.slice(folder.path.length).split('/'));
    } else throw outside();
  }
  return real.join('/');
}
