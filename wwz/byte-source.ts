/** Where a zip's bytes come from: a file, or memory. Everything that reads a wwz reads through this. */
import type { FileHandle } from 'node:fs/promises';

export interface ByteSource {
  /** bytes in all */
  readonly size: number;
  /** The bytes from `position` on; fewer than `length` only at the end of the source. */
  read(position: number, length: number): Promise<Buffer>;
}

export function bufferSource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
  };
}

/** Reads of an open file at given positions: any number of readers at once. The caller closes the handle. */
export function fileSource(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    async read(position, length) {
      const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - position)));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
  };
}

/** The same source for one reader that goes from front to back in small steps: it reads `windowBytes` ahead. */
export function readAhead(source: ByteSource, windowBytes: number): ByteSource {
  let start = 0;
  let bytes: Buffer = Buffer.alloc(0);
  return {
    size: source.size,
    async read(position, length) {
      if (length > windowBytes) return source.read(position, length);
      const isInside = position >= start && position + length <= start + bytes.length;
      if (!isInside) {
        start = position;
        bytes = await source.read(position, windowBytes);
      }
      return bytes.subarray(position - start, position - start + length);
    },
  };
}

/** The bytes from `start` to before `end`, in pieces of at most 64 KiB, read as they are asked for. */
export async function* readRange(source: ByteSource, start: number, end: number): AsyncGenerator<Buffer> {
  let position = start;
  while (position < end) {
    const piece = await source.read(position, Math.min(pieceBytes, end - position));
    if (piece.length === 0) throw new Error(`cannot read bytes ${position} to ${end}: the file is shorter`);
    yield piece;
    position += piece.length;
  }
}

/** What is read or inflated at once: small enough for many readers, large enough to be fast. */
export const pieceBytes = 64 * 1024;
