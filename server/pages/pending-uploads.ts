/** Counts uploads that are nearly stored. A rewrite of the pages waits a moment for them, so that it shows them all. */

/** The longest wait for other uploads: enough for jobs of a run that finish together. */
const waitMilliseconds = 100;

export class PendingUploads {
  #pending = 0;
  #waiters: (() => void)[] = [];

  /** Runs the last part of an upload, and counts it as pending meanwhile. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work();
    } finally {
      if (--this.#pending === 0) this.#release();
    }
  }

  /** Settles when no upload is pending, or after the longest wait. Returns undefined when none is pending. */
  drained(): Promise<void> | undefined {
    if (this.#pending === 0) return undefined;
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
