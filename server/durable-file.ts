/** Files that are whole or not there: bytes -> a temporary file in the same folder -> its name, by rename. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Begins with a dot, so that it is never served; says whose it is, so that leftovers are known. */
const temporaryMark = '.soil-new-';

export const isTemporaryName = (name: string): boolean => name.startsWith(temporaryMark);

const temporaryBeside = (path: string): string =>
  join(dirname(path), `${temporaryMark}${randomBytes(6).toString('hex')}-${basename(path).slice(0, 60)}`);

/** Puts bytes at a path, replacing what is there. `sync`: on the disk before it returns, and its name too. */
export async function writeWhole(
  path: string,
  bytes: Uint8Array | string,
  { sync, mode = 0o644 }: { readonly sync: boolean; readonly mode?: number },
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(bytes);
      if (sync) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (sync) await syncFolder(dirname(path));
}

/**
 * Puts a page where its bytes differ from what is there; tells whether they did. Makes the folder where it is missing.
 * Synchronous, and not synced: a page can always be made again, and its few steps in the thread pool took longer than
 * to render it.
 */
export function writePage(path: string, text: string | Buffer): boolean {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const before = readPage(path);
  if (before?.equals(bytes) === true) return false;
  if (before === undefined) mkdirSync(dirname(path), { recursive: true });
  const temporary = temporaryBeside(path);
  try {
    writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return true;
}

/** Takes a page away, and its folder where that is empty then. */
export function removePage(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
  try {
    rmdirSync(dirname(path));
  } catch {
    // Something else is in it.
  }
}

function readPage(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/**
 * Makes the names in a folder durable: a rename alone may be lost with the power. Only the wait for the disk is left to
 * the thread pool: each way there and back takes longer than to open a folder.
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = openSync(path, 'r');
  try {
    await fsyncLater(folder);
  } finally {
    closeSync(folder);
  }
}

const fsyncLater = promisify(fsync);

/**
 * Makes a folder below `root` with its parents, each durable; those that are there too: whoever made them to put a page
 * in did not wait for the disk.
 */
export async function makeFolder(root: string, relative: string): Promise<string> {
  const path = join(root, relative);
  mkdirSync(path, { recursive: true });
  for (let at = dirname(path); at.length >= root.length; at = dirname(at)) await syncFolder(at);
  return path;
}

/** Whether two files have the same bytes. */
export async function hasSameBytes(left: string, right: string): Promise<boolean> {
  const [a, b] = [await open(left, 'r'), await open(right, 'r')];
  try {
    const [{ size }, other] = [await a.stat(), await b.stat()];
    if (size !== other.size) return false;
    const [x, y] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    for (let position = 0; position < size; position += chunkBytes) {
      const length = Math.min(chunkBytes, size - position);
      await readFully(a, x.subarray(0, length), position);
      await readFully(b, y.subarray(0, length), position);
      if (!x.subarray(0, length).equals(y.subarray(0, length))) return false;
    }
    return true;
  } finally {
    await a.close();
    await b.close();
  }
}

const chunkBytes = 256 * 1024;

async function readFully(
  handle: Awaited<ReturnType<typeof open>>,
  into: Buffer,
  position: number,
): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error('cannot compare files: one became shorter meanwhile');
    done += bytesRead;
  }
}

/** Removes temporary files that an interrupted process left, in a folder and those below it, private ones apart. */
export async function removeTemporary(root: string): Promise<number> {
  let removed = 0;
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (isTemporaryName(entry.name) && entry.isFile()) {
      await rm(path, { force: true });
      removed++;
    } else if (entry.isDirectory() && !entry.name.startsWith('.')) {
      removed += await removeTemporary(path);
    }
  }
  return removed;
}
