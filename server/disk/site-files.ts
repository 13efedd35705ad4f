/**
 * Writes and removes pages, creates folders and compares files of a site. files/atomic-file.ts writes all other files.
 */
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTemporaryName, temporaryPath, isMissing, syncFolder } from '../../files/atomic-file.js';

/**
 * Writes a page if its bytes differ from those on disk, and creates its folder. Returns by how many bytes
 * the page has grown; undefined if it was the same.
 * Synchronous, since the same calls in the thread pool took longer than rendering. Not synced, since a page can be
 * rendered again.
 */
export function writePage(path: string, text: string | Buffer): number | undefined {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const before = readPage(path);
  if (before?.equals(bytes) === true) return undefined;
  if (before === undefined) mkdirSync(dirname(path), { recursive: true });
  const temporary = temporaryPath(path);
  try {
    writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return bytes.length - (before?.length ?? 0);
}

/** Removes a page, and its folder if it is empty then. */
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
    // The folder is not empty.
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

/**
 * Creates a folder below `root` and its parents. Returns its path. Syncs existing folders too, since writePage()
 * creates folders without a sync.
 */
export async function makeFolder(root: string, relative: string): Promise<string> {
  const path = join(root, relative);
  mkdirSync(path, { recursive: true });
  for (let at = dirname(path); at.length >= root.length; at = dirname(at)) await syncFolder(at);
  return path;
}

/** Reports whether two files have the same bytes. */
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
    if (bytesRead === 0) throw new Error('cannot compare files: one became shorter');
    done += bytesRead;
  }
}

/** Removes temporary files that an interrupted process left, except in private folders. Returns how many. */
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
