/** Checks the directory of a zip before any entry is read. Pure. */
import { accept, quote, refuse, type Result } from '../model/result.js';
import { findReadingObstacle } from './body.js';
import type { WwzEntry } from './directory.js';
import { findNameClash, parseEntryName } from './entry-name.js';
import { hasOtherName, isWellFormed } from './extra-field.js';
import type { WwzLimits } from './limits.js';

/** The contents of a wwz, according to its directory. */
export interface DirectorySummary {
  /** files and folders */
  readonly entries: number;
  /** of all files, inflated */
  readonly totalBytes: number;
}

const because = (entry: WwzEntry, reason: string) =>
  refuse(`cannot accept entry ${quote(entry.name)}: ${reason}`);

/** Checks names, kinds and sizes against the limits, and that no two names collide. Returns the totals. */
export function summarizeDirectory(
  entries: readonly WwzEntry[],
  limits: WwzLimits,
): Result<DirectorySummary> {
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
      return because(entry, `it takes the wwz over the limit of ${limits.totalBytes} inflated bytes`);
    }
  }
  const clash = findNameClash(entries.map((entry) => entry.name));
  if (clash === undefined) return accept({ entries: entries.length, totalBytes });
  const [first, second] = clash;
  return refuse(
    first === second
      ? `cannot accept entry ${quote(first)}: duplicate entry`
      : `cannot accept entry ${quote(second)}: ${quote(first)} is a file`,
  );
}

/** The accepted flags: compression level (1, 2), data descriptor (3), UTF-8 (11). */
const knownFlags = 0x080e;

function checkKind(entry: WwzEntry): Result<WwzEntry> {
  const obstacle = findReadingObstacle(entry);
  if (obstacle !== undefined) return because(entry, obstacle);
  const unknown = entry.flags & ~knownFlags;
  if (unknown !== 0) return because(entry, `its flags 0x${unknown.toString(16)} are not supported`);
  if (entry.disk !== 0) return because(entry, 'it is on another disk');
  if (!isWellFormed(entry.extra)) return because(entry, 'its extra field is truncated');
  if (hasOtherName(entry.extra, entry.nameBytes)) return because(entry, 'its extra field has another name');
  // Zips made on Unix have st_mode in the upper half, others 0.
  const fileType = (entry.externalAttributes >>> 28) & 0xf;
  const isFolder = entry.name.endsWith('/');
  if (isFolder && entry.size !== 0) return because(entry, 'it is a folder, but has content');
  if (fileType === 0 || fileType === (isFolder ? folderType : regularFileType)) return accept(entry);
  return because(entry, `its mode is that of a ${typeNames.get(fileType) ?? 'file of unknown kind'}`);
}

/** The upper four bits of st_mode. */
const folderType = 0o04;
const regularFileType = 0o10;
const typeNames = new Map([
  [0o01, 'FIFO'],
  [0o02, 'device'],
  [folderType, 'folder'],
  [0o06, 'device'],
  [regularFileType, 'regular file'],
  [0o12, 'symlink'],
  [0o14, 'socket'],
]);
