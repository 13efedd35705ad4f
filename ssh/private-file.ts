/** Reads files with secrets. */
import { open } from 'node:fs/promises';
import { fileErrorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';

/** Reads a small file. Refuses it if other users can read it. */
export async function readPrivateFile(file: string, what: string): Promise<Result<string>> {
  const because = (reason: string) => refuse(`cannot read ${what} ${quote(file, 300)}: ${reason}`);
  try {
    const handle = await open(file, 'r');
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return because('not a regular file');
      if ((stats.mode & 0o077) !== 0) return because(`other users can read it; run: chmod 600 ${file}`);
      if (stats.size > 20_000) return because('larger than any token or key');
      return accept(await handle.readFile('utf8'));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return because(fileErrorMessage(error));
  }
}
