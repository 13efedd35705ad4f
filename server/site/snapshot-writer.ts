/** Keeps a site's snapshot up beside the work, one at a time: a start after a crash then reads less. */
import type { ChainEnd } from '../store/log-entry.js';
import { writeSnapshot, type SnapshotSource } from './snapshot.js';

export class SnapshotWriter {
  readonly #path: string;
  readonly #source: Omit<SnapshotSource, 'end'>;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, source: Omit<SnapshotSource, 'end'>) {
    this.#path = path;
    this.#source = source;
  }

  /** Writes one when the pages show all up to `end`. One that fails costs a later start time, and nothing else. */
  keepLater(end: ChainEnd, shown: () => Promise<void>): void {
    this.#last = this.#last
      .then(shown)
      .then(() => this.#write(end))
      .catch(() => undefined);
  }

  /** Writes one of now, after those that are under way. */
  async keep(end: ChainEnd): Promise<void> {
    await this.idle();
    await this.#write(end);
  }

  /** Settles when none is under way. */
  idle(): Promise<void> {
    return this.#last;
  }

  #write(end: ChainEnd): Promise<void> {
    return writeSnapshot(this.#path, { ...this.#source, end });
  }
}
