/** A wwz that somebody sent -> what it holds, or the first thing that is wrong with it. Every byte is accounted for. */
import type { FileHandle } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { EntryDamage, plainBody, type LocatedEntry } from './body.js';
import { fileSource, readAhead, type ByteSource } from './byte-source.js';
import { entriesOf, type WwzEntry } from './directory.js';
import { summarizeDirectory, type DirectorySummary } from './directory-summary.js';
import { nameByteLimit } from './entry-name.js';
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
export interface WwzSummary extends DirectorySummary {
  /** of the zip's own comment */
  readonly commentBytes: number;
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
  const claims = summarizeDirectory(entries, limits);
  if (!claims.ok) return claims;
  const inOrder = entries.sort((a, b) => a.headerOffset - b.headerOffset);
  const ahead = readAhead(source, aheadBytes);
  const directoryStart = read.value.end.offset;
  const start = inOrder[0]?.headerOffset ?? directoryStart;
  if (start !== 0) return refuse(`cannot accept the wwz: its first ${start} bytes belong to no entry`);
  for (const [index, entry] of inOrder.entries()) {
    const next = inOrder[index + 1]?.headerOffset ?? directoryStart;
    const checked = await checkEntry({ source: ahead, entry, next });
    if (!checked.ok) return checked;
  }
  return accept({ ...claims.value, commentBytes: read.value.end.commentLength });
}

/** Most entries of a job are small: one read serves many. */
const aheadBytes = 512 * 1024;

const because = (entry: WwzEntry, reason: string) =>
  refuse(`cannot accept entry ${quote(entry.name)}: ${reason}`);

interface PlacedEntry {
  readonly source: ByteSource;
  readonly entry: WwzEntry;
  /** where the next entry or the directory begins */
  readonly next: number;
}

/** Header, data and descriptor must tell the same as the directory, and fill the place up to `next` exactly. */
async function checkEntry({ source, entry, next }: PlacedEntry): Promise<Result<WwzEntry>> {
  if (entry.headerOffset + localHeaderLength > next) return because(entry, 'it overlaps what follows');
  const room = localHeaderLength + nameByteLimit + 0xffff;
  const bytes = await source.read(entry.headerOffset, Math.min(room, next - entry.headerOffset));
  const header = parseLocalHeader(bytes);
  if (header === undefined) return because(entry, `no header stands at byte ${entry.headerOffset}`);
  const nameEnd = localHeaderLength + header.nameLength;
  const headerEnd = nameEnd + header.extraLength;
  if (headerEnd > bytes.length) return because(entry, 'it overlaps what follows');
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

/** Flag bit 3: checksum and sizes stand behind the data too. */
const descriptorFlag = 0x0008;

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
async function checkContent(located: LocatedEntry): Promise<Result<WwzEntry>> {
  try {
    const body = await plainBody(located);
    if (Buffer.isBuffer(body)) return accept(located.entry);
    const pieces = body[Symbol.asyncIterator]();
    while ((await pieces.next()).done !== true);
    return accept(located.entry);
  } catch (error) {
    if (error instanceof EntryDamage) return refuse(error.message.replace('cannot read', 'cannot accept'));
    throw error;
  }
}
