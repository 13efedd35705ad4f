/** A file that holds a secret -> its text, unless others may read it: then it is none any more. */
import { open } from 'node:fs/promises';
import { fileErrorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';

/** A small file that its owner alone may read. */
export async function readPrivateFile(file: string, what: string): Promise<Result<string>> {
  const because = (reason: string) => refuse(`cannot read ${what} ${quote(file, 300)}: ${reason}`);
  try {
    const handle = await open(file, 'r');
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) return because('it is no file');
      if ((facts.mode & 0o077) !== 0) return because(`others may read it; mend: chmod 600 ${file}`);
      if (facts.size > 20_000) return because('it is larger than any token or key');
      return accept(await handle.readFile('utf8'));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return because(fileErrorMessage(error));
  }
}
