/** Counts the bytes of a site's files, those of each token by itself. */
import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isMissing } from '../../files/atomic-file.js';

export interface SiteBytes {
  readonly bytes: number;
  readonly byToken: ReadonlyMap<string, number>;
}

/**
 * Sums the files below a folder, except uploads in progress. A file that is removed meanwhile counts as 0 bytes.
 * `ownerOf` returns the id of the token that caused a file, from its path below `root`.
 */
export async function countSite(
  root: string,
  ownerOf: (path: string) => string | undefined,
): Promise<SiteBytes> {
  let sum = 0;
  const byToken = new Map<string, number>();
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (path !== join(root, '.soil', 'staging')) folders.push(path);
        continue;
      }
      const bytes = await sizeOf(path);
      sum += bytes;
      const owner = ownerOf(relative(root, path));
      if (owner !== undefined) byToken.set(owner, (byToken.get(owner) ?? 0) + bytes);
    }
  }
  return { bytes: sum, byToken };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
