/** Redacts secrets in a stream that arrives in pieces, also those that span several pieces. */
import { overwrite, type Redactor } from '../redact/redactor.js';

/**
 * The state between two pieces of one stream. The bytes at the end of a piece that may be the start of a secret are held
 * back: the caller puts them before the next piece.
 */
export class StreamRedactor {
  readonly #redactor: Redactor;
  /** how many of the bytes that were held back belong to a secret already found */
  #found = 0;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /**
   * Redacts `bytes`, which start with those held back by the previous call. Returns how many of them are final; the
   * others must be given again. With `isLast`, all are final.
   */
  redact(bytes: Uint8Array, isLast: boolean): number {
    const final = isLast ? bytes.length : Math.max(0, bytes.length - this.#redactor.maxMatchBytes);
    let found = this.#found;
    // A secret that reaches beyond the final bytes stays legible there, since it may overlap another one. `found`
    // remembers it.
    for (const { start, end } of this.#redactor.find(bytes)) {
      if (start < final) {
        overwrite(bytes, { start, end: Math.min(end, final) });
        found = Math.max(found, end);
      }
    }
    overwrite(bytes, { start: 0, end: Math.min(this.#found, final) });
    this.#found = Math.max(0, found - final);
    return final;
  }
}
