/** Uploads that are nearly stored: the pages wait a moment for them, so that one rewrite shows them all. */

/** What an upload's pages may be late for the sake of others; the jobs of a run that end together are stored by then. */
const waitMilliseconds = 100;

export class PendingUploads {
  #coming = 0;
  #waiters: (() => void)[] = [];

  /** Does the last piece of work before something is stored. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#coming++;
    try {
      return await work();
    } finally {
      if (--this.#coming === 0) this.#release();
    }
  }

  /** Settles when nothing is coming any more, or has waited long enough; undefined: there is nothing to wait for. */
  drained(): Promise<void> | undefined {
    if (this.#coming === 0) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMilliseconds);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
