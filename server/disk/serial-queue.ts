/** Runs asynchronous functions one at a time, in order. A failure does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Runs `work` after all earlier work has ended. Returns its result, or rejects with its error. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#length++;
    const result = this.#last.then(work).finally(() => this.#length--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The number of functions that wait or run. */
  get length(): number {
    return this.#length;
  }

  /** Resolves when all work that was queued so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
