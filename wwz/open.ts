/** Opens wwz files: reads the directory once, then finds entries by name and reads their bytes. */
import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { errorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { fileSource, type ByteSource } from './byte-source.js';
import {
  findEntry,
  parseDirectoryEnd,
  scanDirectory,
  tailByteLimit,
  type DirectoryEnd,
  type WwzDirectory,
  type WwzEntry,
} from './directory.js';
import { listFolder, type WwzFolder } from './folder.js';
import { defaultWwzLimits, type WwzLimits } from './limits.js';
import { localHeaderLength, parseLocalHeader } from './local-header.js';

/** Opens the wwz at `path`. Refuses anything but a regular file that is a zip within the limits. */
export async function openWwz(path: string, limits: WwzLimits = defaultWwzLimits): Promise<Result<WwzFile>> {
  let handle: FileHandle;
  try {
    // Opening a FIFO would block otherwise until another process writes to it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return refuse(`cannot open ${quote(path)}: ${errorMessage(error)}`);
  }
  const opened = await openWwzHandle(handle, limits);
  if (opened.ok) return opened;
  await handle.close();
  return refuse(`cannot open ${quote(path)}: ${opened.error}`);
}

/** Opens the wwz of an open file. The WwzFile closes the handle; after a refusal the caller must. */
async function openWwzHandle(handle: FileHandle, limits: WwzLimits): Promise<Result<WwzFile>> {
  const stats = await handle.stat({ bigint: true });
  if (!stats.isFile()) return refuse('not a regular file');
  const source = fileSource(handle, Number(stats.size));
  const read = await readDirectory(source, limits);
  if (!read.ok) return read;
  return accept(
    new WwzFile(handle, source, {
      directory: read.value.directory,
      identity: fileIdentity(stats),
      modified: modifiedSeconds(stats),
    }),
  );
}

/** Returns a string that changes when the file is changed or replaced. */
export function fileIdentity(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs].map((n) => n.toString(36)).join('.');
}

/** Returns when the file last changed, in whole seconds since 1970. */
export const modifiedSeconds = ({ mtimeNs }: BigIntStats): number => Number(mtimeNs / 1_000_000_000n);

export interface ReadDirectory {
  readonly end: DirectoryEnd;
  readonly directory: WwzDirectory;
}

/** Reads the end records and the directory. Usually needs one read of 64 KiB, and two for a large directory. */
export async function readDirectory(source: ByteSource, limits: WwzLimits): Promise<Result<ReadDirectory>> {
  const tailStart = Math.max(0, source.size - tailByteLimit);
  const tail = await source.read(tailStart, tailByteLimit);
  const end = parseDirectoryEnd(tail, source.size);
  if (!end.ok) return end;
  const { entries, offset, size } = end.value;
  if (entries > limits.entries) {
    return refuse(`cannot read the zip: it has ${entries} entries, more than the limit of ${limits.entries}`);
  }
  if (size > limits.directoryBytes) {
    return refuse(
      `cannot read the zip: its directory has ${size} bytes, more than the limit of ${limits.directoryBytes}`,
    );
  }
  const bytes =
    offset >= tailStart
      ? Buffer.from(tail.subarray(offset - tailStart, offset - tailStart + size))
      : await source.read(offset, size);
  const directory = scanDirectory(bytes, entries);
  return directory.ok ? accept({ end: end.value, directory: directory.value }) : directory;
}

/** An open wwz. Keeps one descriptor until close(), so it remains readable when another file replaces it. */
export class WwzFile implements ByteSource {
  readonly identity: string;
  /** when the file last changed, in whole seconds since 1970 */
  readonly modified: number;
  readonly size: number;
  readonly directory: WwzDirectory;
  readonly #handle: FileHandle;
  readonly #source: ByteSource;
  readonly #dataOffsets = new Map<number, number>();
  #sortedNames: readonly string[] | undefined;

  constructor(
    handle: FileHandle,
    source: ByteSource,
    {
      directory,
      identity,
      modified,
    }: { readonly directory: WwzDirectory; readonly identity: string; readonly modified: number },
  ) {
    this.#handle = handle;
    this.#source = source;
    this.size = source.size;
    this.directory = directory;
    this.identity = identity;
    this.modified = modified;
  }

  find(name: string): WwzEntry | undefined {
    return findEntry(this.directory, name);
  }

  /** Lists a folder: `''` is the root, others end with a slash. Returns undefined if no entry is in it. */
  list(folder: string): WwzFolder | undefined {
    this.#sortedNames ??= [...this.directory.records.keys()].sort();
    return listFolder(this.#sortedNames, folder);
  }

  /** Returns the position of an entry's data. Reads the local header once, then uses a cache. */
  async dataOffset(entry: WwzEntry): Promise<Result<number>> {
    const known = this.#dataOffsets.get(entry.headerOffset);
    if (known !== undefined) return accept(known);
    const found = await findData(this.#source, entry);
    if (found.ok) this.#dataOffsets.set(entry.headerOffset, found.value);
    return found;
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#source.read(position, length);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Finds an entry's data from the lengths in its local header, since those in the directory often differ. */
export async function findData(source: ByteSource, entry: WwzEntry): Promise<Result<number>> {
  const header = parseLocalHeader(await source.read(entry.headerOffset, localHeaderLength));
  if (header === undefined) {
    return refuse(`cannot read entry ${quote(entry.name)}: no header at byte ${entry.headerOffset}`);
  }
  return accept(entry.headerOffset + localHeaderLength + header.nameLength + header.extraLength);
}
