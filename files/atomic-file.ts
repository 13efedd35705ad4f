/** Writes files atomically: to a temporary file in the same folder, which is then renamed. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Starts with a dot, so the file is never served. The rest of the name identifies leftovers as Soil's. */
export const temporaryPrefix = '.soil-new-';

export const isTemporaryName = (name: string): boolean => name.startsWith(temporaryPrefix);

/** Returns a new temporary path in the folder of `path`. */
export const temporaryPath = (path: string): string =>
  join(dirname(path), `${temporaryPrefix}${randomBytes(6).toString('hex')}-${basename(path).slice(0, 60)}`);

/** Replaces the file at `path`. With `sync`, the bytes and the name are on disk when this returns. */
export function writeWhole(
  path: string,
  bytes: Uint8Array | string,
  { sync, mode = 0o644 }: { readonly sync: boolean; readonly mode?: number },
): Promise<void> {
  const write = async (temporary: string): Promise<void> => {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(bytes);
      if (sync) await handle.sync();
    } finally {
      await handle.close();
    }
  };
  return replaceFile(path, write, { sync });
}

/**
 * Replaces the file at `path` by the one that `write` creates at the temporary path it receives. Returns what `write`
 * returns. If `write` throws, `path` does not change. With `sync`, the new name is on disk when this returns;
 * `write` must sync the bytes.
 */
export async function replaceFile<T>(
  path: string,
  write: (temporary: string) => Promise<T>,
  { sync }: { readonly sync: boolean },
): Promise<T> {
  const temporary = temporaryPath(path);
  let written: T;
  try {
    written = await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (sync) await syncFolder(dirname(path));
  return written;
}

export const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const fsyncLater = promisify(fsync);

/**
 * Makes the names in a folder durable: a power failure can undo a rename that was not synced. Only fsync() runs in the
 * thread pool; a round trip there takes longer than opening a folder.
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = openSync(path, 'r');
  try {
    await fsyncLater(folder);
  } finally {
    closeSync(folder);
  }
}
