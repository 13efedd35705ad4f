/** A folder of its own for each upload, on the site's own file system, so that a rename is all that is left to do. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Does the work in a new staging folder, which is gone afterwards whatever happens. */
export async function withStaging<T>(staging: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(staging, randomBytes(12).toString('hex'));
  mkdirSync(folder, { mode: 0o700 });
  try {
    return await work(folder);
  } finally {
    await removeFolder(folder);
  }
}

/** Of an upload that was stored nothing is left in it. */
async function removeFolder(folder: string): Promise<void> {
  try {
    rmdirSync(folder);
  } catch {
    await rm(folder, { recursive: true, force: true });
  }
}
