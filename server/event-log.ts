/** The site's log of what it accepted: one JSON object a line, only ever added to, on the disk before it is answered. */
import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { formatEvent, parseEvent, type JobEvent } from '../model/event.js';
import { isMissing } from './durable-file.js';

/** Something accepted: an event of a job, or a record by the path of its JSON. Times in seconds since 1970, UTC. */
export type LogEntry =
  | { readonly kind: 'event'; readonly time: number; readonly event: JobEvent }
  | { readonly kind: 'record'; readonly time: number; readonly path: string };

export interface ReadLog {
  readonly entries: readonly LogEntry[];
  /** lines that could not be read, by number and reason */
  readonly problems: readonly string[];
}

/** Reads the log. A last line without its end was never acknowledged: it is cut off. */
export async function readEventLog(path: string): Promise<ReadLog> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  });
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) await truncate(path, whole);
  const entries: LogEntry[] = [];
  const problems: string[] = [];
  const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
  lines.forEach((line, index) => {
    const entry = parseLine(line);
    if (typeof entry === 'string') problems.push(`${path}:${index + 1}: ${entry}`);
    else entries.push(entry);
  });
  return { entries, problems };
}

function parseLine(line: string): LogEntry | string {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { time, event, record } = (json ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof time !== 'number') return 'it has no time';
  if (typeof record === 'string') return { kind: 'record', time, path: record };
  if (typeof event !== 'object' || event === null) return 'it has neither an event nor a record';
  const parsed = parseEvent(Object.entries(event).map(([key, value]) => [key, String(value)] as const));
  return parsed.ok ? { kind: 'event', time, event: parsed.value } : parsed.error;
}

const formatLine = (entry: LogEntry): string =>
  entry.kind === 'event'
    ? `${JSON.stringify({ time: entry.time, event: Object.fromEntries(formatEvent(entry.event)) })}\n`
    : `${JSON.stringify({ time: entry.time, record: entry.path })}\n`;

/** The log of a running server. Entries must be added one after the other. */
export class EventLog {
  readonly #handle: FileHandle;
  /** bytes of whole lines: what a failed write left behind it is cut off */
  #end: number;

  private constructor(handle: FileHandle, end: number) {
    this.#handle = handle;
    this.#end = end;
  }

  static async open(path: string): Promise<EventLog> {
    const handle = await open(path, 'a+', 0o600);
    return new EventLog(handle, (await handle.stat()).size);
  }

  /** Adds an entry; it is on the disk when this returns. A disk that is full leaves no half line. */
  async append(entry: LogEntry): Promise<void> {
    const bytes = Buffer.from(formatLine(entry));
    try {
      await this.#handle.appendFile(bytes);
      await this.#handle.datasync();
    } catch (error) {
      await this.#handle.truncate(this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
