/** `soil-worker archive`: packs the files of a folder into a wwz, and lists what it skipped. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EntryError } from '../files/folder-entry.js';
import { UntrustedFolder } from '../files/untrusted-folder.js';
import { resolveInside, walkFolder } from '../files/untrusted-walk.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { writeWwz, type WrittenWwz, type WwzSource } from './write.js';

/** Something in the folder that is not in the wwz. */
export interface SkippedFile {
  /** relative to the folder */
  readonly name: string;
  readonly reason: string;
}

interface FolderContents {
  readonly sources: readonly WwzSource[];
  readonly skipped: readonly SkippedFile[];
}

export interface ArchivedFolder extends WrittenWwz {
  readonly skipped: readonly SkippedFile[];
}

/**
 * Writes a wwz of all files in `folder`, including dot files, to `target`. Skips `target` itself. A symlink to a file in the folder becomes
 * a copy of that file, since a wwz has no symlinks. Symlinks to other files, folders or nothing are skipped, and so are
 * FIFOs, sockets and devices: an upload must not include files that its task did not write. Refuses names that are not
 * valid in a wwz.
 */
export async function packFolder(folder: string, target: string): Promise<Result<ArchivedFolder>> {
  let root: UntrustedFolder | undefined;
  try {
    root = new UntrustedFolder(folder);
    const except = await realTarget(target);
    const { sources, skipped } = await listFolderContents(root, except);
    const written = await writeWwz(target, sources);
    return written.ok ? accept({ ...written.value, skipped }) : written;
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    return refuse(`cannot read folder ${quote(folder, 300)}: ${error.message}`);
  } finally {
    root?.close();
  }
}

/** Lists the files of a folder as sources of a wwz, in no fixed order, with names relative to the folder. */
async function listFolderContents(root: UntrustedFolder, except: string): Promise<FolderContents> {
  const sources: WwzSource[] = [];
  const skipped: SkippedFile[] = [];
  const add = (name: string, path: string): void => {
    sources.push({ kind: 'opened', name, open: () => root.openFile(path) });
  };
  for await (const { path: name, kind } of walkFolder(root, '')) {
    if (join(root.path, name) === except || kind === 'folder') continue;
    if (kind === 'file') add(name, name);
    else if (kind === 'unreadable') throw new EntryError('EACCES', `cannot read ${quote(name, 300)} in it`);
    else if (kind === 'too-long') skipped.push({ name, reason: 'its path is too long' });
    else if (kind === 'other') skipped.push({ name, reason: 'not a regular file' });
    else {
      const link = followLink(root, name);
      if (link.ok) add(name, link.value);
      else skipped.push({ name, reason: link.error });
    }
  }
  skipped.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { sources, skipped };
}

/** Returns the target of a symlink, without links, if it is a regular file in the folder. */
function followLink(root: UntrustedFolder, name: string): Result<string> {
  try {
    const real = resolveInside(root, name);
    return root.stat(real)?.isFile() === true
      ? accept(real)
      : refuse('symlink to something other than a regular file');
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    return refuse(error.code === 'EXDEV' ? 'symlink to a file outside the folder' : 'broken symlink');
  }
}

/** Returns the real path of `target`, which need not exist. */
async function realTarget(target: string): Promise<string> {
  const path = resolve(target);
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
