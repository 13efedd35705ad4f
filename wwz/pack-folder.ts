/** `soil-worker archive`: packs the files of a folder into a wwz, and lists what it skipped. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileErrorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { writeWwz, type WrittenWwz, type WwzSource } from './write.js';

/** Something in the folder that is not in the wwz. */
export interface SkippedFile {
  /** relative to the folder */
  readonly name: string;
  readonly reason: string;
}

export interface FolderContents {
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
  const contents = await listFolderContents(folder, { except: await realTarget(target) });
  if (!contents.ok) return contents;
  const written = await writeWwz(target, contents.value.sources);
  return written.ok ? accept({ ...written.value, skipped: contents.value.skipped }) : written;
}

/** Lists the files of a folder as sources of a wwz, in no fixed order, with names relative to the folder. */
async function listFolderContents(
  folder: string,
  { except }: { readonly except?: string } = {},
): Promise<Result<FolderContents>> {
  const sources: WwzSource[] = [];
  const skipped: SkippedFile[] = [];
  try {
    const root = await realpath(folder);
    const pending = [''];
    for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
      for (const item of await readdir(join(root, below), { withFileTypes: true })) {
        const name = below + item.name;
        const path = join(root, name);
        if (path === except) continue;
        if (item.isDirectory()) pending.push(`${name}/`);
        else if (item.isFile()) sources.push({ kind: 'file', name, path });
        else if (!item.isSymbolicLink()) skipped.push({ name, reason: 'not a regular file' });
        else {
          const link = await followLink(root, path);
          if (link.ok) sources.push({ kind: 'file', name, path: link.value });
          else skipped.push({ name, reason: link.error });
        }
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return refuse(`cannot read folder ${quote(folder, 300)}: ${fileErrorMessage(error)}`);
  }
  skipped.sort((a, b) => (a.name < b.name ? -1 : 1));
  return accept({ sources, skipped });
}

/** Returns the target of a symlink if it is a regular file in `root`. */
async function followLink(root: string, path: string): Promise<Result<string>> {
  try {
    const real = await realpath(path);
    if (!real.startsWith(root + sep)) return refuse('symlink to a file outside the folder');
    return (await stat(real)).isFile()
      ? accept(real)
      : refuse('symlink to something other than a regular file');
  } catch {
    return refuse('broken symlink');
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
