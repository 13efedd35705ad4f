/** Reads the content of an entry, as a gzip body without recompression or inflated and verified. */
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { quote } from '../model/result.js';
import { pieceBytes, readRange, type ByteSource } from './byte-source.js';
import type { WwzEntry } from './directory.js';

/** A small body is one buffer; a large one is read in pieces on demand. */
export type Body = Buffer | AsyncIterable<Buffer>;

/** The content of an entry does not match the zip's directory. The message names the entry and the reason. */
export class EntryDamage extends Error {
  constructor(entry: WwzEntry, reason: string) {
    super(`cannot read entry ${quote(entry.name)}: ${reason}`);
    this.name = 'EntryDamage';
  }
}

/** An entry with the position of its data in the source. */
export interface LocatedEntry {
  readonly source: ByteSource;
  readonly entry: WwzEntry;
  readonly dataOffset: number;
}

/** Returns why an entry cannot be read, or undefined if it can: it must be stored or deflated, and not encrypted. */
export function findReadingObstacle(entry: WwzEntry): string | undefined {
  if (entry.method !== 0 && entry.method !== 8) return `its method ${entry.method} is not 0 or 8`;
  if ((entry.flags & encryptionFlags) !== 0) return 'it is encrypted';
  if (entry.method === 0 && entry.compressedSize !== entry.size)
    return 'it is stored, but its two sizes differ';
  return undefined;
}

/** Bits 0 (encrypted), 6 (strongly), 13 (its header is masked). */
const encryptionFlags = 0x2041;

/** RFC 1952: deflate, no name, no time, unknown system. */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const gzipTrailerLength = 8;

/** Returns the length of a deflated entry as a gzip body. */
export const gzipLength = (entry: WwzEntry): number =>
  gzipHeader.length + entry.compressedSize + gzipTrailerLength;

/** Returns a deflated entry as a gzip body: a header, the zip's bytes, and a trailer from the directory's values. */
export async function gzipBody({ source, entry, dataOffset }: LocatedEntry): Promise<Body> {
  const trailer = Buffer.alloc(gzipTrailerLength);
  trailer.writeUInt32LE(entry.crc, 0);
  trailer.writeUInt32LE(entry.size % 2 ** 32, 4);
  const end = dataOffset + entry.compressedSize;
  if (entry.compressedSize <= pieceBytes) {
    const data = await source.read(dataOffset, entry.compressedSize);
    if (data.length !== entry.compressedSize) throw new EntryDamage(entry, 'the file is truncated');
    return Buffer.concat([gzipHeader, data, trailer]);
  }
  return (async function* () {
    yield gzipHeader;
    yield* readRange(source, dataOffset, end);
    yield trailer;
  })();
}

/** Bytes from `start` to before `end` of an entry's inflated content. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Returns an entry's inflated content, or a range of it. Throws EntryDamage before the last piece of damaged content. */
export async function plainBody(located: LocatedEntry, range?: ByteRange): Promise<Body> {
  const { source, entry, dataOffset } = located;
  const { start, end } = range ?? { start: 0, end: entry.size };
  const isSmall = entry.compressedSize <= pieceBytes && entry.size <= 4 * pieceBytes;
  if (isSmall) {
    const data = await source.read(dataOffset, entry.compressedSize);
    return inflateWhole(entry, data).subarray(start, end);
  }
  if (entry.method === 0 && range !== undefined) {
    return readRange(source, dataOffset + start, dataOffset + end);
  }
  return slice(checkedPieces(located), { start, end });
}

function inflateWhole(entry: WwzEntry, data: Buffer): Buffer {
  const plain = entry.method === 0 ? data : inflateBuffer(entry, data);
  checkSums(entry, plain.length, crc32(plain));
  return plain;
}

function inflateBuffer(entry: WwzEntry, data: Buffer): Buffer {
  try {
    // With `info`, zlib also returns how much of its input it read. The types of Node 20 lack this option.
    const options = { info: true, maxOutputLength: Math.max(1, entry.size) };
    const result = inflateRawSync(data, options) as unknown as InflateInfo;
    if (result.engine.bytesWritten === data.length) return result.buffer;
  } catch (error) {
    throw inflateDamage(entry, error);
  }
  throw new EntryDamage(entry, trailingBytes);
}

interface InflateInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const trailingBytes = 'extra bytes follow its deflated data';

function inflateDamage(entry: WwzEntry, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return new EntryDamage(entry, tooLong(entry));
  return code.startsWith('Z_') ? new EntryDamage(entry, `its deflated data is damaged (${code})`) : error;
}

const tooLong = (entry: WwzEntry): string => `it inflates to more than its ${entry.size} bytes`;

function checkSums(entry: WwzEntry, size: number, crc: number): void {
  if (size !== entry.size) throw new EntryDamage(entry, `it has ${size} bytes, not ${entry.size}`);
  if (crc !== entry.crc) {
    throw new EntryDamage(entry, `its CRC-32 is ${hexadecimal(crc)}, not ${hexadecimal(entry.crc)}`);
  }
}

const hexadecimal = (crc: number): string => crc.toString(16).padStart(8, '0');

/**
 * Yields the whole content in pieces. Withholds the last piece until size and checksum are verified, so that
 * damaged content is never complete.
 */
async function* checkedPieces(located: LocatedEntry): AsyncGenerator<Buffer> {
  const { source, entry, dataOffset } = located;
  const pieces =
    entry.method === 0 ? readRange(source, dataOffset, dataOffset + entry.size) : inflatedPieces(located);
  let size = 0;
  let crc = 0;
  let withheld: Buffer | undefined;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > entry.size) throw new EntryDamage(entry, tooLong(entry));
    crc = crc32(piece, crc);
    if (withheld !== undefined) yield withheld;
    withheld = piece;
  }
  checkSums(entry, size, crc);
  if (withheld !== undefined) yield withheld;
}

async function* inflatedPieces({ source, entry, dataOffset }: LocatedEntry): AsyncGenerator<Buffer> {
  const input = Readable.from(readRange(source, dataOffset, dataOffset + entry.compressedSize));
  const inflater = createInflateRaw({ chunkSize: pieceBytes });
  // An error of the input reaches the inflater through pipeline, and is thrown by the loop below.
  pipeline(input, inflater, () => undefined);
  try {
    for await (const piece of inflater as AsyncIterable<Buffer>) yield piece;
    if (inflater.bytesWritten !== entry.compressedSize) throw new EntryDamage(entry, trailingBytes);
  } catch (error) {
    throw inflateDamage(entry, error);
  } finally {
    inflater.destroy();
    input.destroy();
  }
}

/** Yields the bytes from `start` to before `end`, and stops reading after them. */
async function* slice(pieces: AsyncIterable<Buffer>, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const piece of pieces) {
    const part = piece.subarray(Math.max(0, start - position), Math.max(0, end - position));
    position += piece.length;
    if (part.length > 0) yield part;
    // For a range that includes the last byte, the rest is read so that the checksum is verified.
    if (position > end) return;
  }
}
