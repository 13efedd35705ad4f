/** Staging folders: one per upload, on the file system of the site, so that a rename stores a file. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Calls `work` with a new staging folder, and removes the folder afterwards. */
export async function withStaging<T>(staging: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(staging, randomBytes(12).toString('hex'));
  mkdirSync(folder, { mode: 0o700 });
  try {
    return await work(folder);
  } finally {
    await removeFolder(folder);
  }
}

/** Tries rmdir(2) first: after an upload that was stored the folder is empty. */
async function removeFolder(folder: string): Promise<void> {
  try {
    rmdirSync(folder);
  } catch {
    await rm(folder, { recursive: true, force: true });
  }
}
