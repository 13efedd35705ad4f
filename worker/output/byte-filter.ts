/** Finds the places in a log where one of several words may be, whatever its case, several hundred megabytes a second. */

/** A place where a word was found: the offset of its last byte, and the index of the word. */
export interface FoundWords {
  readonly ends: readonly number[];
  readonly words: readonly number[];
}

/** Small enough for the L1 cache. Pairs of bytes that share a slot cost a comparison now and then. */
const slotCount = 4096;
/** Bit 5 is the only difference between upper-case and lower-case letters. */
const fold = (byte: number): number => byte | 0x20;
const slotOf = (first: number, second: number): number =>
  ((fold(first) << 5) ^ fold(second)) & (slotCount - 1);

/**
 * Creates a search for lower-case words of at least three bytes. It uses the algorithm of Wu and Manber (1994), as the
 * search for secrets does, with the last bytes of each word as its seed.
 */
export function createByteFilter(words: readonly string[]): (bytes: Uint8Array) => FoundWords {
  const patterns = words.map((word) => Buffer.from(word).map(fold));
  const length = Math.min(...patterns.map((pattern) => pattern.length));
  const shifts = new Uint8Array(slotCount).fill(length - 1);
  const wordsByEnd = new Map<number, number[]>();
  for (const [word, pattern] of patterns.entries()) {
    const seed = pattern.subarray(pattern.length - length);
    for (let i = 1; i < length; i++) {
      const slot = slotOf(seed[i - 1] ?? 0, seed[i] ?? 0);
      shifts[slot] = Math.min(shifts[slot] ?? 0, length - 1 - i);
      if (i === length - 1) wordsByEnd.set(slot, [...(wordsByEnd.get(slot) ?? []), word]);
    }
  }
  const endsWith = (bytes: Uint8Array, end: number, pattern: Uint8Array): boolean => {
    const start = end + 1 - pattern.length;
    if (start < 0) return false;
    for (let i = 0; i < pattern.length; i++) if (fold(bytes[start + i] ?? 0) !== pattern[i]) return false;
    return true;
  };

  return (bytes) => {
    const found: { ends: number[]; words: number[] } = { ends: [], words: [] };
    let at = length - 1;
    while (at < bytes.length) {
      const slot = slotOf(bytes[at - 1] ?? 0, bytes[at] ?? 0);
      const shift = shifts[slot] ?? 1;
      if (shift > 0) {
        at += shift;
        continue;
      }
      for (const word of wordsByEnd.get(slot) ?? []) {
        if (!endsWith(bytes, at, patterns[word] ?? bytes)) continue;
        found.ends.push(at);
        found.words.push(word);
      }
      at += 1;
    }
    return found;
  };
}
