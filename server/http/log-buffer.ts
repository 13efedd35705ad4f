/** Buffers the lines of a log, so that lines in quick succession share one write. */

/** More characters than this are written immediately. */
const maxCharacters = 2 ** 16;

/**
 * A line is written at the end of the event loop's turn. If lines were written less than this ago, it waits this long.
 */
const intervalMs = 5;

/** Keeps the order of its lines. Call flush() before the process exits, or the last lines are lost. */
export class LogBuffer {
  readonly #write: (lines: string) => void;
  #lines = '';
  #isScheduled = false;
  #lastWrite = -Infinity;

  /** `write` takes one line or several, without the line break at the end. */
  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  add(line: string): void {
    this.#lines = this.#lines === '' ? line : `${this.#lines}\n${line}`;
    if (this.#lines.length > maxCharacters) this.flush();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      if (performance.now() - this.#lastWrite < intervalMs) setTimeout(this.#writeScheduled, intervalMs);
      else setImmediate(this.#writeScheduled);
    }
  }

  /** Writes the buffered lines now. */
  flush(): void {
    if (this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    this.#lastWrite = performance.now();
    this.#write(lines);
  }

  readonly #writeScheduled = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
