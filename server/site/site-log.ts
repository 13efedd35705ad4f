/**
 * The event log of an open site. If the disk is full, an entry for a change already made is written with the next
 * entry.
 */
import type { EventLog } from '../store/event-log.js';
import type { ChainEnd, LogEntry } from '../store/log-entry.js';

export interface SiteLogOptions {
  /** called with the last line of a full file, when the next file starts */
  readonly onNewFile: (end: ChainEnd) => void;
  /** called with the number of bytes that were written */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export class SiteLog {
  readonly #log: EventLog;
  readonly #options: SiteLogOptions;
  /** entries for changes that are in the site, but could not be written to the log yet */
  #late: readonly LogEntry[] = [];

  constructor(log: EventLog, options: SiteLogOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** The last line. */
  get end(): ChainEnd {
    return this.#log.end;
  }

  /** The number of the next entry's line. */
  get nextSequence(): number {
    return this.#log.end.sequence + this.#late.length + 1;
  }

  /** Whether the log has every change of the site. */
  get isComplete(): boolean {
    return this.#late.length === 0;
  }

  /** Logs changes before they are made. Returns the number of bytes. If the disk is full, rejects and drops the entries. */
  async append(...entries: readonly LogEntry[]): Promise<number> {
    const bytes = await this.#write(entries);
    await this.#rotate();
    return bytes;
  }

  /** Logs a change that was already made. If the disk is full, rejects, and writes the entry with the next one. */
  async appendDone(entry: LogEntry): Promise<void> {
    this.#late = [...this.#late, entry];
    await this.append();
  }

  /** Logs removals before their files are deleted. Never starts a new file, since that starts a snapshot. */
  async appendRemovals(entries: readonly LogEntry[]): Promise<void> {
    await this.#write(entries);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #write(entries: readonly LogEntry[]): Promise<number> {
    const bytes = await this.#log.append([...this.#late, ...entries]);
    this.#late = [];
    this.#options.onBytes?.(bytes);
    return bytes;
  }

  async #rotate(): Promise<void> {
    if (await this.#log.rotate()) this.#options.onNewFile(this.#log.end);
  }
}
