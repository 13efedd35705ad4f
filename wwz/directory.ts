/** Parses the central directory of a zip in one scan. Pure. Section numbers refer to APPNOTE 6.3.10. */
import { accept, quote, refuse, type Result } from '../model/result.js';
import { parseZip64Extra } from './extra-field.js';

/** One entry as described by the central directory, unverified. */
export interface WwzEntry {
  /** decoded as UTF-8, regardless of the flags */
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly flags: number;
  /** 0 stored, 8 deflated */
  readonly method: number;
  readonly crc: number;
  /** bytes in the zip */
  readonly compressedSize: number;
  /** bytes when inflated */
  readonly size: number;
  /** position of the local header */
  readonly headerOffset: number;
  readonly disk: number;
  readonly externalAttributes: number;
  readonly extra: Buffer;
}

/** The position of the central directory, from the end record and its Zip64 counterpart. */
export interface DirectoryEnd {
  readonly entries: number;
  /** of the central directory, in bytes */
  readonly size: number;
  readonly offset: number;
  /** position of the end records, right after the directory */
  readonly end: number;
  /** of the zip's comment, which ends the file */
  readonly commentLength: number;
}

/** The directory's bytes, and the position of each name's record in them. Records are decoded on demand. */
export interface WwzDirectory {
  readonly bytes: Buffer;
  readonly records: ReadonlyMap<string, number>;
}

const endLength = 22;
const locatorLength = 20;
const end64Length = 56;
const recordLength = 46;
const signatures = { end: 0x06054b50, locator: 0x07064b50, end64: 0x06064b50, record: 0x02014b50 } as const;

/** The last bytes of a zip that contain all end records, even with the longest comment. */
export const tailByteLimit = endLength + 0xffff + locatorLength + end64Length;

/**
 * Finds the end record (4.3.16) in `tail`, the last bytes of a file of `fileSize` bytes. Its comment must end with the
 * file, and the directory must end where the end records start: other programs could read what is in between.
 */
export function parseDirectoryEnd(tail: Buffer, fileSize: number): Result<DirectoryEnd> {
  const at = findEnd(tail);
  if (at === undefined) {
    return refuse('cannot read the zip: no end of central directory record right at its end');
  }
  const start = fileSize - tail.length + at;
  const disks = tail.readUInt16LE(at + 4) + tail.readUInt16LE(at + 6);
  const entries = tail.readUInt16LE(at + 10);
  const size = tail.readUInt32LE(at + 12);
  const offset = tail.readUInt32LE(at + 16);
  const locatorAt = at - locatorLength;
  const hasZip64 = locatorAt >= 0 && tail.readUInt32LE(locatorAt) === signatures.locator;
  const end: Result<DirectoryEnd> = hasZip64
    ? parseEnd64(tail, { at: locatorAt, fileSize, plain: { entries, size, offset } })
    : entries === 0xffff || size === 0xffffffff || offset === 0xffffffff
      ? refuse('cannot read the zip: it is marked as Zip64, but has no Zip64 end record')
      : accept({ entries, size, offset, end: start, commentLength: 0 });
  if (!end.ok) return end;
  if (disks !== 0 || (!hasZip64 && tail.readUInt16LE(at + 8) !== entries)) {
    return refuse('cannot read the zip: it is part of a multi-disk archive');
  }
  if (end.value.offset + end.value.size !== end.value.end) {
    return refuse(
      `cannot read the zip: its directory of ${end.value.size} bytes at ${end.value.offset} ` +
        `does not end at ${end.value.end}, where the end record starts`,
    );
  }
  return accept({ ...end.value, commentLength: tail.readUInt16LE(at + 20) });
}

/** Returns the only position of an end record whose comment ends with the file; undefined if there is none or several. */
function findEnd(tail: Buffer): number | undefined {
  let found: number | undefined;
  for (let at = tail.length - endLength; at >= 0 && at >= tail.length - endLength - 0xffff; at--) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== signatures.end) continue;
    if (at + endLength + tail.readUInt16LE(at + 20) !== tail.length) continue;
    if (found !== undefined) return undefined;
    found = at;
  }
  return found;
}

interface Zip64Context {
  readonly at: number;
  readonly fileSize: number;
  readonly plain: { readonly entries: number; readonly size: number; readonly offset: number };
}

/** Parses the Zip64 end record (4.3.14), which must be right before its locator (4.3.15) and match the plain one. */
function parseEnd64(tail: Buffer, { at, fileSize, plain }: Zip64Context): Result<DirectoryEnd> {
  const because = (reason: string) => refuse(`cannot read the zip: ${reason}`);
  const start = at - end64Length;
  if (start < 0 || tail.readUInt32LE(start) !== signatures.end64) {
    return because('no Zip64 end record right before its locator');
  }
  const disks = tail.readUInt32LE(at + 4) + tail.readUInt32LE(start + 16) + tail.readUInt32LE(start + 20);
  if (disks !== 0 || tail.readUInt32LE(at + 16) > 1) return because('it is part of a multi-disk archive');
  const end = fileSize - tail.length + start;
  if (readSize(tail, at + 8) !== end || readSize(tail, start + 4) !== end64Length - 12) {
    return because('the position or length of its Zip64 end record is wrong');
  }
  const entries = readSize(tail, start + 32);
  const size = readSize(tail, start + 40);
  const offset = readSize(tail, start + 48);
  const agrees =
    readSize(tail, start + 24) === entries &&
    (plain.entries === 0xffff || plain.entries === entries) &&
    (plain.size === 0xffffffff || plain.size === size) &&
    (plain.offset === 0xffffffff || plain.offset === offset);
  return agrees
    ? accept({ entries, size, offset, end, commentLength: 0 })
    : because('its two end records contradict each other');
}

/** Reads an 8-byte number. Returns Infinity beyond 2^53, which fails every comparison. */
function readSize(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
  return Number.isSafeInteger(value) ? value : Infinity;
}

/** Scans the central directory: exactly `entries` records with unique names that fill `bytes`. */
export function scanDirectory(bytes: Buffer, entries: number): Result<WwzDirectory> {
  const because = (reason: string) => refuse(`cannot read the zip's directory: ${reason}`);
  const records = new Map<string, number>();
  let at = 0;
  for (let count = 0; count < entries; count++) {
    if (at + recordLength > bytes.length || bytes.readUInt32LE(at) !== signatures.record) {
      return because(`record ${count + 1} of ${entries} is missing`);
    }
    const nameEnd = at + recordLength + bytes.readUInt16LE(at + 28);
    const next = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) return because(`record ${count + 1} of ${entries} is truncated`);
    const name = bytes.toString('utf8', at + recordLength, nameEnd);
    records.set(name, at);
    if (records.size !== count + 1) return because(`duplicate entry ${quote(name)}`);
    if (hasZip64Sizes(bytes, at) && decodeRecord(bytes, at) === undefined) {
      return because(`entry ${quote(name)} has a wrong Zip64 field`);
    }
    at = next;
  }
  if (at !== bytes.length) return because(`${bytes.length - at} bytes follow its last record`);
  return accept({ bytes, records });
}

/** Returns the entry of a name, or undefined. */
export function findEntry(directory: WwzDirectory, name: string): WwzEntry | undefined {
  const at = directory.records.get(name);
  return at === undefined ? undefined : decodeRecord(directory.bytes, at);
}

/** Yields all entries in the directory's order. */
export function* entriesOf(directory: WwzDirectory): Generator<WwzEntry> {
  for (const at of directory.records.values()) {
    const entry = decodeRecord(directory.bytes, at);
    if (entry !== undefined) yield entry;
  }
}

const hasZip64Sizes = (bytes: Buffer, at: number): boolean =>
  bytes.readUInt32LE(at + 20) === 0xffffffff ||
  bytes.readUInt32LE(at + 24) === 0xffffffff ||
  bytes.readUInt32LE(at + 42) === 0xffffffff;

/** Decodes the record (4.3.12) at `at`. Returns undefined if its Zip64 field is wrong, which scanDirectory() refuses. */
function decodeRecord(bytes: Buffer, at: number): WwzEntry | undefined {
  const nameStart = at + recordLength;
  const nameEnd = nameStart + bytes.readUInt16LE(at + 28);
  const extra = bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(at + 30));
  const sizes = parseZip64Extra(extra, {
    size: bytes.readUInt32LE(at + 24),
    compressedSize: bytes.readUInt32LE(at + 20),
    headerOffset: bytes.readUInt32LE(at + 42),
  });
  if (sizes === undefined) return undefined;
  return {
    name: bytes.toString('utf8', nameStart, nameEnd),
    nameBytes: bytes.subarray(nameStart, nameEnd),
    flags: bytes.readUInt16LE(at + 8),
    method: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 16),
    disk: bytes.readUInt16LE(at + 34),
    externalAttributes: bytes.readUInt32LE(at + 38),
    extra,
    ...sizes,
  };
}
