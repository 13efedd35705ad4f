/** Cuts the middle out of a log, in bounded memory. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** How much of a cut log is its beginning. The end usually has the error. */
const headShare = 0.25;
/** How far from its place a cut can be, so that it is between two lines. */
const windowBytes = 64 * 1024;

/** Writes the beginning and the end of a log to `target`, with a line between them that counts what is left out. */
export async function cutLog(
  log: string,
  target: string,
  { maxBytes, who }: { readonly maxBytes: number; readonly who: string },
): Promise<void> {
  const { size, headEnd, tailStart, note } = await planCut(log, maxBytes, who);
  // A read stream without bytes would read one.
  if (headEnd > 0) await pipeline(createReadStream(log, { end: headEnd - 1 }), createWriteStream(target));
  await pipeline([note], createWriteStream(target, { flags: 'a' }));
  if (tailStart < size)
    await pipeline(
      createReadStream(log, { start: tailStart, end: size - 1 }),
      createWriteStream(target, { flags: 'a' }),
    );
}

async function planCut(log: string, maxBytes: number, who: string) {
  const handle = await open(log, 'r');
  try {
    const { size } = await handle.stat();
    const noteOf = (left: number): string =>
      `\n[soil: ${left} bytes are left out here: ${who} accepts at most ${maxBytes} bytes of this log]\n`;
    const room = Math.max(0, maxBytes - Buffer.byteLength(noteOf(size)));
    const headEnd = await lineEndBefore(handle, Math.floor(room * headShare));
    const tailStart = await lineStartAfter(handle, size - (room - Math.floor(room * headShare)), size);
    return { size, headEnd, tailStart, note: noteOf(tailStart - headEnd) };
  } finally {
    await handle.close();
  }
}

/** Returns the end of the last whole line before `at`, or `at` if that line is long. */
async function lineEndBefore(handle: FileHandle, at: number): Promise<number> {
  const start = Math.max(0, at - windowBytes);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(at - start), 0, at - start, start);
  const newline = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
  return newline < 0 ? at : start + newline + 1;
}

/** Returns the start of the first line that begins after `at`, or `at` if none begins soon. */
async function lineStartAfter(handle: FileHandle, at: number, size: number): Promise<number> {
  const length = Math.min(windowBytes, size - at);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  const newline = buffer.subarray(0, bytesRead).indexOf(0x0a);
  return newline < 0 || at + newline + 1 === size ? at : at + newline + 1;
}
