/** Reads the end of a log of any size: a file in, at most 64 KiB of its end out. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';

const tailBytes = 64 * 1024;

/** The end of the file as text; what is no UTF-8 is replaced. A file that cannot be read is told as such. */
export async function readLogTail(file: string): Promise<string> {
  try {
    // A task can have put something else in its place: a link to a file of the machine's, a pipe that nobody writes to.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) throw new Error('it is no file');
      const { size } = facts;
      const length = Math.min(size, tailBytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.subarray(0, bytesRead).toString();
    } finally {
      await handle.close();
    }
  } catch (error) {
    return `(cannot read the log: ${errorMessage(error)})`;
  }
}
