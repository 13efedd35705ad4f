/** A folder of its own for each upload, on the site's own file system, so that a rename is all that is left to do. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Does the work in a new staging folder, which is gone afterwards whatever happens. */
export async function withStaging<T>(staging: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(staging, randomBytes(12).toString('hex'));
  await mkdir(folder, { mode: 0o700 });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
