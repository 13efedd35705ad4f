/** Reads ranges of bytes from a file or from memory. */
import type { FileHandle } from 'node:fs/promises';

export interface ByteSource {
  /** bytes in all */
  readonly size: number;
  /** Returns `length` bytes from `position`; fewer only at the end of the source. */
  read(position: number, length: number): Promise<Buffer>;
}

export function bufferSource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
  };
}

/** Reads an open file, for any number of concurrent readers. The caller closes the handle. */
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

/** Wraps a source for one reader that reads forward in small steps. Reads `windowBytes` ahead. */
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

/** Yields the bytes from `start` to before `end` in pieces of at most 64 KiB. */
export async function* readRange(source: ByteSource, start: number, end: number): AsyncGenerator<Buffer> {
  let position = start;
  while (position < end) {
    const piece = await source.read(position, Math.min(pieceBytes, end - position));
    if (piece.length === 0) throw new Error(`cannot read bytes ${position} to ${end}: the file is truncated`);
    yield piece;
    position += piece.length;
  }
}

/** The size of pieces that are read or inflated: small enough for many readers, large enough to be fast. */
export const pieceBytes = 64 * 1024;
