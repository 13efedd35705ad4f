/** Processes many items, a bounded number of them concurrently. docs/decisions/0015 compares it with libraries. */

/** Enough to keep the thread pool busy. */
const concurrency = 32;

/**
 * Calls `work` for every item, at most 32 concurrently. After the first error, starts no more items and rejects with
 * it.
 */
export async function eachBounded<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let hasFailed = false;
  const worker = async (): Promise<void> => {
    try {
      for (let next = iterator.next(); next.done !== true && !hasFailed; next = iterator.next()) {
        await work(next.value);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
