/** Removes an entry of a folder with everything in it, by descriptor: never through a link, and never in another mount. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { temporaryPrefix } from './atomic-file.js';
import { EntryError, entryError, entryPath, mountOf, openEntry, type FolderEntry } from './folder-entry.js';

/** Deeper folders are moved up first, so that few descriptors are open whatever a task has made. */
const maxDepth = 64;

/** Removes the entry `name` of `folder`. Missing is no error. */
export function removeTree(folder: FolderEntry, name: Buffer): void {
  const mount = mountOf(folder);
  const moved: Buffer[] = [];

  const removeOne = (parent: FolderEntry, child: Buffer, depth: number): void => {
    const entry = openIfPresent(parent, child);
    if (entry === undefined) return;
    try {
      if (!entry.stats.isDirectory()) {
        unlinkSync(entryPath(parent, child));
        return;
      }
      if (mountOf(entry) !== mount)
        throw new EntryError('EXDEV', 'another file system or folder is mounted in it');
      if (depth > maxDepth) {
        const short = Buffer.from(`${temporaryPrefix}${randomBytes(12).toString('hex')}`);
        renameSync(entryPath(parent, child), entryPath(folder, short));
        moved.push(short);
        return;
      }
      // Package managers make read-only folders. Another user's folder fails below.
      if ((entry.stats.mode & 0o700) !== 0o700 && isOwn(entry)) chmodSync(entry.path, 0o700);
      for (const below of readdirSync(entry.path, { encoding: 'buffer' })) removeOne(entry, below, depth + 1);
    } finally {
      entry.close();
    }
    rmdirSync(entryPath(parent, child));
  };

  try {
    removeOne(folder, name, 1);
    for (let next = moved.pop(); next !== undefined; next = moved.pop()) removeOne(folder, next, 1);
  } catch (error) {
    throw entryError(error);
  }
}

const isOwn = ({ stats }: FolderEntry): boolean => stats.uid === process.getuid?.();

function openIfPresent(folder: FolderEntry, name: Buffer): FolderEntry | undefined {
  try {
    return openEntry(folder, name);
  } catch (error) {
    if (entryError(error).code === 'ENOENT') return undefined;
    throw error;
  }
}
