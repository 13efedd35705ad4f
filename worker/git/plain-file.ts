/** Reads small files of a `.git` that a task could have written: never through a link, and never waiting for a writer. */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Enough for a file with a hundred thousand refs. */
const maxBytes = 64_000_000;

/** Reads a regular file. Returns undefined if there is none, or if it is a link, a pipe or too large. */
export async function readPlainFile(path: string, limitBytes = maxBytes): Promise<string | undefined> {
  try {
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile() || stats.size > limitBytes) return undefined;
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

/** Reports whether a path is a regular file: not a link, not a pipe. */
export const isPlainFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
