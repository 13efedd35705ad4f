/** Verifies a wwz from an untrusted source: every byte must belong to an entry, the directory or the end records. */
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
  readLocalSums,
  parseDescriptor,
  parseLocalHeader,
  type Sums,
} from './local-header.js';
import { readDirectory } from './open.js';

/** The contents of a valid wwz. */
export interface WwzSummary extends DirectorySummary {
  /** length of the zip's comment */
  readonly commentBytes: number;
}

/**
 * Verifies the wwz in an open file, and leaves the handle open. Memory is bounded by the limits on directory and entries,
 * not by the size of the file.
 */
export async function verifyWwzHandle(
  handle: FileHandle,
  limits: WwzLimits = defaultWwzLimits,
): Promise<Result<WwzSummary>> {
  const stats = await handle.stat();
  return stats.isFile()
    ? verifyWwz(fileSource(handle, stats.size), limits)
    : refuse('cannot accept the wwz: not a regular file');
}

/**
 * Verifies a wwz. Checks the directory first, which is cheap, and then inflates every entry in the order of the file. The
 * entries must follow each other without gaps from byte 0 to the directory. Refuses with the first problem.
 */
export async function verifyWwz(
  source: ByteSource,
  limits: WwzLimits = defaultWwzLimits,
): Promise<Result<WwzSummary>> {
  const read = await readDirectory(source, limits);
  if (!read.ok) return read;
  const entries = [...entriesOf(read.value.directory)];
  const summary = summarizeDirectory(entries, limits);
  if (!summary.ok) return summary;
  const inOrder = entries.sort((a, b) => a.headerOffset - b.headerOffset);
  const ahead = readAhead(source, aheadBytes);
  const directoryStart = read.value.end.offset;
  const start = inOrder[0]?.headerOffset ?? directoryStart;
  if (start !== 0) return refuse(`cannot accept the wwz: its first ${start} bytes are not part of an entry`);
  for (const [index, entry] of inOrder.entries()) {
    const next = inOrder[index + 1]?.headerOffset ?? directoryStart;
    const checked = await checkEntry({ source: ahead, entry, next });
    if (!checked.ok) return checked;
  }
  return accept({ ...summary.value, commentBytes: read.value.end.commentLength });
}

/** Most entries are small, so one read covers many. */
const aheadBytes = 512 * 1024;

const because = (entry: WwzEntry, reason: string) =>
  refuse(`cannot accept entry ${quote(entry.name)}: ${reason}`);

interface EntrySpan {
  readonly source: ByteSource;
  readonly entry: WwzEntry;
  /** start of the next entry or the directory */
  readonly next: number;
}

/** Checks that header, data and descriptor match the directory, and end exactly at `next`. */
async function checkEntry({ source, entry, next }: EntrySpan): Promise<Result<WwzEntry>> {
  if (entry.headerOffset + localHeaderLength > next) return because(entry, 'it overlaps the next entry');
  const longestHeader = localHeaderLength + nameByteLimit + 0xffff;
  const bytes = await source.read(entry.headerOffset, Math.min(longestHeader, next - entry.headerOffset));
  const header = parseLocalHeader(bytes);
  if (header === undefined) return because(entry, `no header at byte ${entry.headerOffset}`);
  const nameEnd = localHeaderLength + header.nameLength;
  const headerEnd = nameEnd + header.extraLength;
  if (headerEnd > bytes.length) return because(entry, 'it overlaps the next entry');
  if (!bytes.subarray(localHeaderLength, nameEnd).equals(entry.nameBytes)) {
    return because(entry, 'its header has another name');
  }
  if (header.method !== entry.method) return because(entry, 'its header has another method');
  if (header.flags !== entry.flags) return because(entry, 'its header has other flags');
  const extra = bytes.subarray(nameEnd, headerEnd);
  if (!isWellFormed(extra) || hasOtherName(extra, entry.nameBytes)) {
    return because(entry, 'the extra field of its header is truncated or has another name');
  }
  const dataOffset = entry.headerOffset + headerEnd;
  const dataEnd = dataOffset + entry.compressedSize;
  if (dataEnd > next) return because(entry, 'it overlaps the next entry');
  const headerSums = readLocalSums(header, extra);
  const after = await source.read(dataEnd, Math.min(next - dataEnd, 64));
  const sums = checkSums({ entry, headerSums, after, gap: next - dataEnd });
  return sums.ok ? checkContent({ source, entry, dataOffset }) : sums;
}

/** Flag bit 3: a descriptor with checksum and sizes follows the data. */
const descriptorFlag = 0x0008;

interface EntryEdges {
  readonly entry: WwzEntry;
  readonly headerSums: Sums | undefined;
  readonly after: Buffer;
  readonly gap: number;
}

function checkSums({ entry, headerSums, after, gap }: EntryEdges): Result<WwzEntry> {
  if (headerSums === undefined) return because(entry, 'its header has a wrong Zip64 field');
  const keys = ['crc', 'compressedSize', 'size'] as const;
  const hasDescriptor = (entry.flags & descriptorFlag) !== 0;
  for (const key of keys) {
    // A header that was written before the data may have zeros, with the sums in the descriptor only.
    if (headerSums[key] !== entry[key] && !(hasDescriptor && headerSums[key] === 0)) {
      return because(entry, 'its header has another checksum or size');
    }
  }
  if (!hasDescriptor) {
    return gap === 0 ? accept(entry) : because(entry, `${gap} bytes after it are not part of an entry`);
  }
  const descriptor = gap > after.length ? undefined : parseDescriptor(after);
  if (descriptor === undefined) return because(entry, 'no descriptor right after its data');
  return keys.every((key) => descriptor[key] === entry[key])
    ? accept(entry)
    : because(entry, 'its descriptor has another checksum or size');
}

/** Inflates the entry in pieces, and stops as soon as it is too long. */
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
