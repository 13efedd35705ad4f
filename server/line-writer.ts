/** Lines of a log -> one write for all that come in the same turn of the event loop. */

/** More than this is written at once, however long the turn lasts. */
const heldCharacters = 2 ** 16;

/** Keeps the order of its lines. Whoever ends the process calls flush() first, so that nothing is lost. */
export class LineWriter {
  readonly #write: (lines: string) => void;
  #held = '';
  #isDue = false;

  /** `write` takes one line or several, without the line break at the end. */
  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  add(line: string): void {
    this.#held = this.#held === '' ? line : `${this.#held}\n${line}`;
    if (this.#held.length > heldCharacters) this.flush();
    else if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(this.#end);
    }
  }

  flush(): void {
    if (this.#held === '') return;
    const lines = this.#held;
    this.#held = '';
    this.#write(lines);
  }

  readonly #end = (): void => {
    this.#isDue = false;
    this.flush();
  };
}
