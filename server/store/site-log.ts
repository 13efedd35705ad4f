/** What a site writes down of what it accepted: nothing is left out, not even where the disk had no room for a line. */
import type { EventLog } from './event-log.js';
import type { ChainEnd, LogEntry } from './log-entry.js';

export class SiteLog {
  readonly #log: EventLog;
  /** what the disk had no room for, and what is in the site already: it comes before the next entry */
  #late: readonly LogEntry[] = [];

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** The last line. */
  get end(): ChainEnd {
    return this.#log.end;
  }

  /** All that is in the site is logged. */
  get isComplete(): boolean {
    return this.#late.length === 0;
  }

  /** Logs what is yet to be done; where the disk has no room it fails, and the entries do not count. */
  async append(...entries: readonly LogEntry[]): Promise<void> {
    await this.#log.append([...this.#late, ...entries]);
    this.#late = [];
  }

  /** Logs what is done already: where the disk has no room now, it comes before the next entry. */
  async appendDone(entry: LogEntry): Promise<void> {
    this.#late = [...this.#late, entry];
    await this.append();
  }

  /** Begins a new file where the present one is full; tells whether it did. */
  rotate(): Promise<boolean> {
    return this.#log.rotate();
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
