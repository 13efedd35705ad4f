/** The event log of an open site. An entry that the disk has no space for is written before the next one. */
import type { EventLog } from '../store/event-log.js';
import type { ChainEnd, LogEntry } from '../store/log-entry.js';

export class SiteLog {
  readonly #log: EventLog;
  readonly #onNewFile: (end: ChainEnd) => void;
  /** entries for changes that are already in the site, but that could not be written to the log yet */
  #late: readonly LogEntry[] = [];

  /** `onNewFile` is called when a file of the log is full and the next one begins, with the last line of the full one. */
  constructor(log: EventLog, onNewFile: (end: ChainEnd) => void) {
    this.#log = log;
    this.#onNewFile = onNewFile;
  }

  /** The last line. */
  get end(): ChainEnd {
    return this.#log.end;
  }

  /** Whether the log has every change of the site. */
  get isComplete(): boolean {
    return this.#late.length === 0;
  }

  /** Logs changes that are yet to be made. When the disk is full this fails, and the entries are dropped. */
  async append(...entries: readonly LogEntry[]): Promise<void> {
    await this.#write(entries);
    await this.#rotate();
  }

  /** Logs a change that is already made. When the disk is full this fails, and the entry is written before the next one. */
  async appendDone(entry: LogEntry): Promise<void> {
    this.#late = [...this.#late, entry];
    await this.append();
  }

  /** Logs removals whose files are deleted afterwards. Never begins a new file, since that starts a snapshot. */
  async appendRemovals(entries: readonly LogEntry[]): Promise<void> {
    await this.#write(entries);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #write(entries: readonly LogEntry[]): Promise<void> {
    await this.#log.append([...this.#late, ...entries]);
    this.#late = [];
  }

  async #rotate(): Promise<void> {
    if (await this.#log.rotate()) this.#onNewFile(this.#log.end);
  }
}
