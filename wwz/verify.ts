/** A wwz that somebody sent -> what it holds, or the first thing that is wrong with it. Every byte is accounted for. */
import type { FileHandle } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { checkReadable, EntryDamage, plainBody } from './body.js';
import { fileSource, readAhead, type ByteSource } from './byte-source.js';
import { entriesOf, type WwzEntry } from './directory.js';
import { findNameClash, nameByteLimit, parseEntryName } from './entry-name.js';
import { hasOtherName, isWellFormed } from './extra-field.js';
import { defaultWwzLimits, type WwzLimits } from './limits.js';
import {
  localHeaderLength,
  localSums,
  parseDescriptor,
  parseLocalHeader,
  type Sums,
} from './local-header.js';
import { readDirectory } from './open.js';

/** What a good wwz holds. */
export interface WwzSummary {
  /** files and folders */
  readonly entries: number;
  /** of all files, inflated */
  readonly totalBytes: number;
}

/**
 * Verifies the wwz in an open file; the handle stays open. Memory is bounded by the limits on directory and entries,
 * whatever the file's size.
 */
export async function verifyWwzHandle(
  handle: FileHandle,
  limits: WwzLimits = defaultWwzLimits,
): Promise<Result<WwzSummary>> {
  const stats = await handle.stat();
  return stats.isFile()
    ? verifyWwz(fileSource(handle, stats.size), limits)
    : refuse('cannot accept the wwz: it is not a regular file');
}

/**
 * Verifies names and claims of all entries first, which costs nothing, then inflates each in the order in which they
 * stand in the file. The entries must follow each other without a gap from byte 0 to the directory: nothing can hide.
 */
export async function verifyWwz(
  source: ByteSource,
  limits: WwzLimits = defaultWwzLimits,
): Promise<Result<WwzSummary>> {
  const read = await readDirectory(source, limits);
  if (!read.ok) return read;
  const entries = [...entriesOf(read.value.directory)];
  const claims = checkClaims(entries, limits);
  if (!claims.ok) return claims;
  const inOrder = entries.sort((a, b) => a.headerOffset - b.headerOffset);
  const ahead = readAhead(source, aheadBytes);
  let position = 0;
  for (const [index, entry] of inOrder.entries()) {
    if (entry.headerOffset !== position) return misplaced(entry, position);
    const next = inOrder[index + 1]?.headerOffset ?? read.value.end.offset;
    const checked = await checkEntry({ source: ahead, entry, next });
    if (!checked.ok) return checked;
    position = next;
  }
  if (position !== read.value.end.offset) {
    return refuse(`cannot accept the wwz: ${read.value.end.offset} bytes before its directory are no entry`);
  }
  return claims;
}

/** Most entries of a job are small: one read serves many. */
const aheadBytes = 512 * 1024;

const because = (entry: WwzEntry, reason: string) =>
  refuse(`cannot accept entry ${quote(entry.name)}: ${reason}`);

function misplaced(entry: WwzEntry, expected: number): Result<never> {
  const gap = entry.headerOffset - expected;
  if (gap < 0) return because(entry, 'it overlaps another entry');
  return because(entry, `${gap} bytes before it belong to no entry`);
}

/** Everything that the directory alone tells. */
function checkClaims(entries: readonly WwzEntry[], limits: WwzLimits): Result<WwzSummary> {
  let totalBytes = 0;
  for (const entry of entries) {
    const name = parseEntryName(entry.nameBytes);
    if (!name.ok) return name;
    const kind = checkKind(entry);
    if (!kind.ok) return kind;
    if (entry.size > limits.entryBytes) {
      return because(entry, `it has ${entry.size} bytes, more than the limit of ${limits.entryBytes}`);
    }
    if (entry.size > entry.compressedSize * limits.ratio) {
      return because(
        entry,
        `it inflates from ${entry.compressedSize} to ${entry.size} bytes, more than ${limits.ratio} times`,
      );
    }
    totalBytes += entry.size;
    if (totalBytes > limits.totalBytes) {
      return because(
        entry,
        `with it the wwz has more than the limit of ${limits.totalBytes} bytes, inflated`,
      );
    }
  }
  const clash = findNameClash(entries.map((entry) => entry.name));
  if (clash === undefined) return accept({ entries: entries.length, totalBytes });
  const [first, second] = clash;
  return refuse(
    first === second
      ? `cannot accept entry ${quote(first)}: it stands twice`
      : `cannot accept entry ${quote(second)}: ${quote(first)} is a file already`,
  );
}

/** Flags that a served file may have: how hard it was deflated (1, 2), a descriptor behind it (3), UTF-8 (11). */
const knownFlags = 0x080e;
const descriptorFlag = 0x0008;

function checkKind(entry: WwzEntry): Result<WwzEntry> {
  const readable = checkReadable(entry);
  if (!readable.ok) return readable;
  const unknown = entry.flags & ~knownFlags;
  if (unknown !== 0) return because(entry, `its flags 0x${unknown.toString(16)} are not known here`);
  if (entry.disk !== 0) return because(entry, 'it is on another disk');
  if (!isWellFormed(entry.extra)) return because(entry, 'its extra field is cut off');
  if (hasOtherName(entry.extra, entry.nameBytes)) return because(entry, 'its extra field names it otherwise');
  // The upper half is st_mode for whoever made the zip on Unix, and 0 for others.
  const fileType = (entry.externalAttributes >>> 28) & 0xf;
  const isFolder = entry.name.endsWith('/');
  if (isFolder && entry.size !== 0) return because(entry, 'it is a folder and has content');
  if (fileType === 0 || fileType === (isFolder ? folderType : fileOfType)) return readable;
  return because(entry, `it is a ${typeNames.get(fileType) ?? 'file of unknown kind'} by its mode`);
}

/** The upper four bits of st_mode. */
const folderType = 0o04;
const fileOfType = 0o10;
const typeNames = new Map([
  [0o01, 'FIFO'],
  [0o02, 'device'],
  [folderType, 'folder'],
  [0o06, 'device'],
  [fileOfType, 'regular file'],
  [0o12, 'symlink'],
  [0o14, 'socket'],
]);

interface PlacedEntry {
  readonly source: ByteSource;
  readonly entry: WwzEntry;
  /** where the next entry or the directory begins */
  readonly next: number;
}

/** Header, data and descriptor must tell the same as the directory, and fill the place up to `next` exactly. */
async function checkEntry({ source, entry, next }: PlacedEntry): Promise<Result<WwzEntry>> {
  const room = localHeaderLength + nameByteLimit + 0xffff;
  const bytes = await source.read(entry.headerOffset, Math.min(room, next - entry.headerOffset));
  const header = parseLocalHeader(bytes);
  if (header === undefined) return because(entry, `no header stands at byte ${entry.headerOffset}`);
  const nameEnd = localHeaderLength + header.nameLength;
  const headerEnd = nameEnd + header.extraLength;
  if (headerEnd > bytes.length) return because(entry, 'its header overlaps what follows');
  if (!bytes.subarray(localHeaderLength, nameEnd).equals(entry.nameBytes)) {
    return because(entry, 'its header has another name');
  }
  if (header.method !== entry.method) return because(entry, 'its header has another method');
  if (header.flags !== entry.flags) return because(entry, 'its header has other flags');
  const extra = bytes.subarray(nameEnd, headerEnd);
  if (!isWellFormed(extra) || hasOtherName(extra, entry.nameBytes)) {
    return because(entry, 'the extra field of its header is cut off or names it otherwise');
  }
  const dataOffset = entry.headerOffset + headerEnd;
  const dataEnd = dataOffset + entry.compressedSize;
  if (dataEnd > next) return because(entry, 'it overlaps what follows');
  const claimed = localSums(header, extra);
  const behind = await source.read(dataEnd, Math.min(next - dataEnd, 64));
  const place = checkSumsAround({ entry, claimed, behind, gap: next - dataEnd });
  return place.ok ? checkContent({ source, entry, dataOffset }) : place;
}

interface Surroundings {
  readonly entry: WwzEntry;
  readonly claimed: Sums | undefined;
  readonly behind: Buffer;
  readonly gap: number;
}

function checkSumsAround({ entry, claimed, behind, gap }: Surroundings): Result<WwzEntry> {
  if (claimed === undefined) return because(entry, 'its header has a wrong Zip64 field');
  const keys = ['crc', 'compressedSize', 'size'] as const;
  const hasDescriptor = (entry.flags & descriptorFlag) !== 0;
  for (const key of keys) {
    // A header that was written before the data may leave the sums to the descriptor, as zeros.
    if (claimed[key] !== entry[key] && !(hasDescriptor && claimed[key] === 0)) {
      return because(entry, 'its header has another checksum or size');
    }
  }
  if (!hasDescriptor) {
    return gap === 0 ? accept(entry) : because(entry, `${gap} bytes behind it belong to no entry`);
  }
  const descriptor = gap > behind.length ? undefined : parseDescriptor(behind);
  if (descriptor === undefined) return because(entry, 'no descriptor stands right behind it');
  return keys.every((key) => descriptor[key] === entry[key])
    ? accept(entry)
    : because(entry, 'its descriptor has another checksum or size');
}

/** Inflates the entry, a piece at a time, and stops at the first byte too many. */
async function checkContent(located: Parameters<typeof plainBody>[0]): Promise<Result<WwzEntry>> {
  try {
    const body = await plainBody(located);
    if (!Buffer.isBuffer(body)) for await (const piece of body) void piece;
    return accept(located.entry);
  } catch (error) {
    if (error instanceof EntryDamage) return refuse(error.message.replace('cannot read', 'cannot accept'));
    throw error;
  }
}
