/** Real paths of what may not exist yet. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Returns the real path of a path, of which the last parts need not exist. */
export async function realPathOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    const parent = dirname(absolute);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === absolute) throw error;
    return join(await realPathOf(parent), basename(absolute));
  }
}

/** Reports whether a path is a folder or below it. Both are real paths. */
export const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);

/**
 * Returns a path relative to the folder that contains it, without resolving links below that folder; undefined if the
 * folder does not contain it. `folder` is a real path; the path may lead to it through links.
 */
export async function pathWithin(folder: string, path: string): Promise<string | undefined> {
  const below: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    if ((await realpath(at).catch(() => undefined)) === folder) return below.join('/');
    if (dirname(at) === at) return undefined;
    below.unshift(basename(at));
  }
}
