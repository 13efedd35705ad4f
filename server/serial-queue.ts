/** Work that must not overlap: each piece begins when the one before it has ended, whether well or not. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Settles when all that was given so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
