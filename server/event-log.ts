/** The site's event log: one JSON object a line, appended and synced before an event is acknowledged. */
import { open, type FileHandle } from 'node:fs/promises';
import { formatEvent, parseEvent, type JobEvent } from '../model/event.js';

export interface LoggedEvent {
  /** when the server heard of it, seconds since 1970, UTC */
  readonly time: number;
  readonly event: JobEvent;
}

/** Alive from openEventLog() to close(). */
export class EventLog {
  readonly #handle: FileHandle;
  #last: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Resolves once the event is on disk; events keep their order. */
  append({ time, event }: LoggedEvent): Promise<void> {
    const line = `${JSON.stringify({ time, fields: formatEvent(event) })}\n`;
    const written = this.#last.then(async () => {
      await this.#handle.appendFile(line);
      await this.#handle.datasync();
    });
    this.#last = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }
}

/** Opens the log and reads what is in it. A torn last line was never acknowledged: it is cut off. */
export async function openEventLog(file: string): Promise<{ log: EventLog; events: readonly LoggedEvent[] }> {
  const handle = await open(file, 'a+', 0o600);
  const text = (await handle.readFile()).toString('utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await handle.truncate(Buffer.byteLength(whole));
  const events = whole.split('\n').flatMap((line) => parseLine(line) ?? []);
  return { log: new EventLog(handle), events };
}

function parseLine(line: string): LoggedEvent | undefined {
  if (line === '') return undefined;
  try {
    const { time, fields } = JSON.parse(line) as { time?: unknown; fields?: unknown };
    if (typeof time !== 'number' || !Array.isArray(fields)) return undefined;
    const event = parseEvent(fields as [string, string][]);
    return event.ok ? { time, event: event.value } : undefined;
  } catch {
    return undefined; // a line that a broken disk changed tells nothing of its neighbours
  }
}
