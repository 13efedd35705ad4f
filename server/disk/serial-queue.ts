/** Runs tasks one at a time, in order. A task that fails does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Runs `work` when all earlier work has settled, and returns its result. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#length++;
    const result = this.#last.then(work).finally(() => this.#length--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** How many have not settled, the one in progress included. */
  get length(): number {
    return this.#length;
  }

  /** Settles when everything that was queued so far has settled. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
