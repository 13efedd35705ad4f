/** Runs work on many items with a bound on how many run concurrently. */

/** Files read concurrently: enough to keep the thread pool busy. */
const concurrency = 32;

/** Calls `work` for every item, at most 32 concurrently, and settles when all are done. Rejects with the first error. */
export async function eachBounded<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
