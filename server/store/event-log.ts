/**
 * The append-only log of a site: chained lines in numbered files. An entry is on disk before its request gets a
 * response.
 */
import { mkdir, open, readdir, readFile, stat, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { accept, refuse, type Result } from '../../model/result.js';
import { chainStart, formatLine, parseLine, type ChainEnd, type LogEntry } from './log-entry.js';
import { isMissing, syncFolder } from '../../files/atomic-file.js';

/** When a file of the log has this size, the next one starts. */
const segmentBytes = 16 * 2 ** 20;

export interface ReadLog {
  readonly entries: readonly { readonly entry: LogEntry; readonly sequence: number }[];
  readonly end: ChainEnd;
  /** lines that cannot be read or do not continue the chain, as `FILE:LINE: REASON` */
  readonly problems: readonly string[];
}

/** Lists the files of a log in order, each with the number of its first line. */
export async function logFiles(
  folder: string,
): Promise<readonly { readonly path: string; readonly first: number }[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names
    .filter((name) => /^\d{12}\.jsonl$/.test(name))
    .sort()
    .map((name) => ({ path: join(folder, name), first: Number(name.slice(0, 12)) }));
}

const segmentName = (first: number): string => `${String(first).padStart(12, '0')}.jsonl`;

/**
 * Reads the log, or only the lines after `after`. Skips a last line without a newline, which was never acknowledged.
 * Refuses if the log does not have the line `after`.
 */
export async function readLog(folder: string, after: ChainEnd = chainStart): Promise<Result<ReadLog>> {
  const files = await logFiles(folder);
  const start = files.findLastIndex(({ first }) => first <= after.sequence);
  const entries: { entry: LogEntry; sequence: number }[] = [];
  const problems: string[] = [];
  let end: ChainEnd | undefined;
  let isFound = after.sequence === 0;
  for (const [index, { path, first }] of files.entries()) {
    if (index < start) continue;
    const lines = await readLines(path);
    for (const [number, text] of lines.entries()) {
      const line = parseLine(text);
      const at = `${path}:${number + 1}`;
      if (!line.ok) {
        problems.push(`${at}: ${line.error}`);
        continue;
      }
      const { before } = line.value;
      // The first line cannot be checked if the file before it is not read.
      const expected = end ?? (index === 0 && first === 1 ? chainStart : before);
      if (before.hash !== expected.hash || before.sequence !== expected.sequence) {
        problems.push(`${at}: the chain is broken: the line does not continue the one before it`);
      }
      end = line.value.end;
      if (end.sequence === after.sequence) isFound = end.hash === after.hash;
      if (end.sequence > after.sequence) {
        if (before.sequence === after.sequence && before.hash === after.hash) isFound = true;
        entries.push({ entry: line.value.entry, sequence: end.sequence });
      }
    }
  }
  if (!isFound)
    return refuse(`cannot read the log after line ${after.sequence}: the log does not have that line`);
  return accept({ entries, end: end ?? after, problems });
}

async function readLines(path: string): Promise<readonly string[]> {
  const bytes = await readFile(path);
  return bytes
    .subarray(0, bytes.lastIndexOf(0x0a) + 1)
    .toString('utf8')
    .split('\n')
    .slice(0, -1);
}

/** Removes a last line without a newline, which a crash left. Returns its number of bytes. */
export async function cutTornLine(folder: string): Promise<number> {
  const last = (await logFiles(folder)).at(-1);
  if (last === undefined) return 0;
  const torn = await tornBytes(last.path);
  if (torn > 0) await truncate(last.path, (await stat(last.path)).size - torn);
  return torn;
}

/** Counts the bytes after the last newline of a file. */
export async function tornBytes(path: string): Promise<number> {
  const bytes = await readFile(path);
  return bytes.length - (bytes.lastIndexOf(0x0a) + 1);
}

/** A log that is open for appending. Callers must not call its methods concurrently. */
export class EventLog {
  readonly #folder: string;
  #handle: FileHandle;
  /** bytes of complete lines in the current file; after a failed write, the file is truncated to this size */
  #bytes: number;
  #end: ChainEnd;

  private constructor(
    folder: string,
    { handle, bytes, end }: { handle: FileHandle; bytes: number; end: ChainEnd },
  ) {
    this.#folder = folder;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#end = end;
  }

  /** Opens a log whose last line is `end`, as readLog() returned it. */
  static async open(folder: string, end: ChainEnd): Promise<EventLog> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const last = (await logFiles(folder)).at(-1);
    if (last === undefined) {
      const handle = await newSegment(folder, end);
      return new EventLog(folder, { handle, bytes: 0, end });
    }
    const handle = await open(last.path, 'a+', 0o600);
    return new EventLog(folder, { handle, bytes: (await handle.stat()).size, end });
  }

  /** The last line. */
  get end(): ChainEnd {
    return this.#end;
  }

  /** Appends entries. Returns the number of bytes; then they are on disk. If it rejects, none of them is in the log. */
  async append(entries: readonly LogEntry[]): Promise<number> {
    if (entries.length === 0) return 0;
    let end = this.#end;
    const lines = entries.map((entry) => {
      const formatted = formatLine(entry, end);
      end = formatted.end;
      return formatted.line;
    });
    const bytes = Buffer.from(lines.join(''));
    try {
      await this.#handle.appendFile(bytes);
      await this.#handle.datasync();
    } catch (error) {
      await this.#handle.truncate(this.#bytes);
      throw error;
    }
    this.#bytes += bytes.length;
    this.#end = end;
    return bytes.length;
  }

  /** Starts a new file if the current one has `limit` bytes or more. Returns whether it did. */
  async rotate(limit = segmentBytes): Promise<boolean> {
    if (this.#bytes < limit) return false;
    const handle = await newSegment(this.#folder, this.#end);
    await this.#handle.close();
    this.#handle = handle;
    this.#bytes = 0;
    return true;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function newSegment(folder: string, end: ChainEnd): Promise<FileHandle> {
  const handle = await open(join(folder, segmentName(end.sequence + 1)), 'a+', 0o600);
  await syncFolder(folder);
  return handle;
}
