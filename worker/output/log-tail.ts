/** Reads the end of a log of any size, as a terminal shows it. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import { renderTerminalText } from './terminal-line.js';

const tailBytes = 64 * 1024;

/**
 * Returns the last 64 KiB of a log as text: each line as a terminal shows it in the end, invalid UTF-8 replaced. When the
 * log cannot be read, returns a line that says why.
 */
export async function readLogTail(file: string): Promise<string> {
  try {
    // A task may have replaced the log by a link to another file of this machine, or by a pipe without a writer.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error('not a regular file');
      const { size } = stats;
      const length = Math.min(size, tailBytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return renderTerminalText(buffer.subarray(0, bytesRead).toString());
    } finally {
      await handle.close();
    }
  } catch (error) {
    return `(cannot read the log: ${errorMessage(error)})`;
  }
}
