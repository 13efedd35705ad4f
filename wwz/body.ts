/** An entry of an open wwz -> its bytes: as a gzip body without any work, or inflated with every checksum checked. */
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { quote } from '../model/result.js';
import { pieceBytes, readRange, type ByteSource } from './byte-source.js';
import type { WwzEntry } from './directory.js';

/** Small bodies come whole, large ones in pieces as they are asked for. */
export type Body = Buffer | AsyncIterable<Buffer>;

/** What an entry holds is not what its zip says of it. The message names the entry and the reason. */
export class EntryDamage extends Error {
  constructor(entry: WwzEntry, reason: string) {
    super(`cannot read entry ${quote(entry.name)}: ${reason}`);
    this.name = 'EntryDamage';
  }
}

/** An entry whose data's place in the source is known. */
export interface LocatedEntry {
  readonly source: ByteSource;
  readonly entry: WwzEntry;
  readonly dataOffset: number;
}

/** Why an entry cannot be given out: only stored and deflated files that are not encrypted can. */
export function readingObstacle(entry: WwzEntry): string | undefined {
  if (entry.method !== 0 && entry.method !== 8) return `its method ${entry.method} is not 0 or 8`;
  if ((entry.flags & encryptionFlags) !== 0) return 'it is encrypted';
  if (entry.method === 0 && entry.compressedSize !== entry.size)
    return 'it is stored, and its two sizes differ';
  return undefined;
}

/** Bits 0 (encrypted), 6 (strongly), 13 (its header is masked). */
const encryptionFlags = 0x2041;

/** RFC 1952: deflate, no name, no time, unknown system. */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const gzipTrailerLength = 8;

/** The length of a deflated entry as a gzip body. */
export const gzipLength = (entry: WwzEntry): number =>
  gzipHeader.length + entry.compressedSize + gzipTrailerLength;

/** A deflated entry as a gzip body: header, the zip's own bytes, and a trailer that the directory knows already. */
export async function gzipBody({ source, entry, dataOffset }: LocatedEntry): Promise<Body> {
  const trailer = Buffer.alloc(gzipTrailerLength);
  trailer.writeUInt32LE(entry.crc, 0);
  trailer.writeUInt32LE(entry.size % 2 ** 32, 4);
  const end = dataOffset + entry.compressedSize;
  if (entry.compressedSize <= pieceBytes) {
    const data = await source.read(dataOffset, entry.compressedSize);
    if (data.length !== entry.compressedSize) throw new EntryDamage(entry, 'the file is shorter');
    return Buffer.concat([gzipHeader, data, trailer]);
  }
  return (async function* () {
    yield gzipHeader;
    yield* readRange(source, dataOffset, end);
    yield trailer;
  })();
}

/** Bytes `start` to before `end` of what an entry inflates to. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** An entry's own bytes, all or a range of them. A damaged entry throws EntryDamage, before the last piece is out. */
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
  const plain = entry.method === 0 ? data : inflateAtOnce(entry, data);
  checkSums(entry, plain.length, crc32(plain));
  return plain;
}

function inflateAtOnce(entry: WwzEntry, data: Buffer): Buffer {
  try {
    // With `info`, zlib also tells how much of its input it took; the types of Node 20 do not know it.
    const options = { info: true, maxOutputLength: Math.max(1, entry.size) };
    const result = inflateRawSync(data, options) as unknown as InflateInfo;
    if (result.engine.bytesWritten === data.length) return result.buffer;
  } catch (error) {
    throw inflateDamage(entry, error);
  }
  throw new EntryDamage(entry, leftOver);
}

interface InflateInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const leftOver = 'bytes are left over behind its deflated data';

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
 * All of an entry, piece by piece. The last piece is held back until size and checksum are right: a reader that got
 * everything would never know that it was wrong.
 */
async function* checkedPieces(located: LocatedEntry): AsyncGenerator<Buffer> {
  const { source, entry, dataOffset } = located;
  const pieces =
    entry.method === 0 ? readRange(source, dataOffset, dataOffset + entry.size) : inflatedPieces(located);
  let size = 0;
  let crc = 0;
  let held: Buffer | undefined;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > entry.size) throw new EntryDamage(entry, tooLong(entry));
    crc = crc32(piece, crc);
    if (held !== undefined) yield held;
    held = piece;
  }
  checkSums(entry, size, crc);
  if (held !== undefined) yield held;
}

async function* inflatedPieces({ source, entry, dataOffset }: LocatedEntry): AsyncGenerator<Buffer> {
  const input = Readable.from(readRange(source, dataOffset, dataOffset + entry.compressedSize));
  const inflater = createInflateRaw({ chunkSize: pieceBytes });
  // An error of the input reaches the inflater through pipeline, and is thrown by the loop below.
  pipeline(input, inflater, () => undefined);
  try {
    for await (const piece of inflater as AsyncIterable<Buffer>) yield piece;
    if (inflater.bytesWritten !== entry.compressedSize) throw new EntryDamage(entry, leftOver);
  } catch (error) {
    throw inflateDamage(entry, error);
  } finally {
    inflater.destroy();
    input.destroy();
  }
}

/** The part of some pieces from byte `start` to before `end`; reads no further than it must. */
async function* slice(pieces: AsyncIterable<Buffer>, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const piece of pieces) {
    const part = piece.subarray(Math.max(0, start - position), Math.max(0, end - position));
    position += piece.length;
    if (part.length > 0) yield part;
    // At the very end the check of the sums still follows.
    if (position > end) return;
  }
}
