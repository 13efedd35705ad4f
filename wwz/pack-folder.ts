/** `soil-worker archive`: a folder of any kind -> a wwz of its files, and a list of what was left out. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileErrorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { writeWwz, type WrittenWwz, type WwzSource } from './write.js';

/** Something in the folder that did not become an entry. */
export interface LeftOut {
  /** relative to the folder */
  readonly name: string;
  readonly reason: string;
}

export interface FolderContents {
  readonly sources: readonly WwzSource[];
  readonly leftOut: readonly LeftOut[];
}

export interface ArchivedFolder extends WrittenWwz {
  readonly leftOut: readonly LeftOut[];
}

/**
 * Writes `target`, a wwz of everything in `folder`, dot files included; `target` itself is passed over when it is in
 * there. A wwz has no symlinks: one that leads to a file inside the folder becomes a copy of that file. One that leads
 * elsewhere, to a folder, or nowhere is left out, and so are FIFOs, sockets and devices: a result that is uploaded must
 * not take along what its task did not write. Refuses names that no wwz can have.
 */
export async function packFolder(folder: string, target: string): Promise<Result<ArchivedFolder>> {
  const contents = await listFolderContents(folder, { except: await absolute(target) });
  if (!contents.ok) return contents;
  const written = await writeWwz(target, contents.value.sources);
  return written.ok ? accept({ ...written.value, leftOut: contents.value.leftOut }) : written;
}

/** The files of a folder as sources of a wwz, named relative to it; the order is not fixed. Refuses what is no folder. */
async function listFolderContents(
  folder: string,
  { except }: { readonly except?: string } = {},
): Promise<Result<FolderContents>> {
  const sources: WwzSource[] = [];
  const leftOut: LeftOut[] = [];
  try {
    const root = await realpath(folder);
    const waiting = [''];
    for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
      for (const item of await readdir(join(root, below), { withFileTypes: true })) {
        const name = below + item.name;
        const path = join(root, name);
        if (path === except) continue;
        if (item.isDirectory()) waiting.push(`${name}/`);
        else if (item.isFile()) sources.push({ kind: 'file', name, path });
        else if (!item.isSymbolicLink()) leftOut.push({ name, reason: 'it is not a regular file' });
        else {
          const link = await followLink(root, path);
          if (link.ok) sources.push({ kind: 'file', name, path: link.value });
          else leftOut.push({ name, reason: link.error });
        }
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return refuse(`cannot read folder ${quote(folder, 300)}: ${fileErrorMessage(error)}`);
  }
  leftOut.sort((a, b) => (a.name < b.name ? -1 : 1));
  return accept({ sources, leftOut });
}

/** Where a symlink leads, when that is a regular file below `root`. */
async function followLink(root: string, path: string): Promise<Result<string>> {
  try {
    const real = await realpath(path);
    if (!real.startsWith(root + sep)) return refuse('it is a symlink that leaves the folder');
    return (await stat(real)).isFile()
      ? accept(real)
      : refuse('it is a symlink to what is not a regular file');
  } catch {
    return refuse('it is a symlink that leads nowhere');
  }
}

/** `target`, which need not exist, as readdir below a real path would name it. */
async function absolute(target: string): Promise<string> {
  const path = resolve(target);
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
