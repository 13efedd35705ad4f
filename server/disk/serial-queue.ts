/** Work that must not overlap: each piece begins when the one before it has ended, whether well or not. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#length++;
    const mine = this.#last.then(work).finally(() => this.#length--);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** pieces that have not ended, the one under way included */
  get length(): number {
    return this.#length;
  }

  /** Settles when all that was given so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
