/** Counts uploads in their last part. A rewrite of the pages waits briefly for them, so that it includes them. */

/** The longest wait for other uploads, enough for jobs of a run that finish together. */
const waitMilliseconds = 100;

export class PendingUploads {
  #pending = 0;
  #waiters: (() => void)[] = [];

  /** Runs the last part of an upload, and counts it as pending until it ends. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work();
    } finally {
      if (--this.#pending === 0) this.#release();
    }
  }

  /** Resolves when no upload is pending, or after the longest wait. Returns undefined if none is pending. */
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
