/** Lines of a log -> one write for those that come together. */

/** More than this is written at once. */
const heldCharacters = 2 ** 16;

/** A line is written at the end of the turn in which it came; where lines came so shortly before, so much later. */
const restMs = 5;

/** Keeps the order of its lines. Whoever ends the process calls flush() first, so that nothing is lost. */
export class LogBuffer {
  readonly #write: (lines: string) => void;
  #held = '';
  #isDue = false;
  /** when it last wrote */
  #written = -Infinity;

  /** `write` takes one line or several, without the line break at the end. */
  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  add(line: string): void {
    this.#held = this.#held === '' ? line : `${this.#held}\n${line}`;
    if (this.#held.length > heldCharacters) this.flush();
    else if (!this.#isDue) {
      this.#isDue = true;
      if (performance.now() - this.#written < restMs) setTimeout(this.#end, restMs);
      else setImmediate(this.#end);
    }
  }

  flush(): void {
    if (this.#held === '') return;
    const lines = this.#held;
    this.#held = '';
    this.#written = performance.now();
    this.#write(lines);
  }

  readonly #end = (): void => {
    this.#isDue = false;
    this.flush();
  };
}
