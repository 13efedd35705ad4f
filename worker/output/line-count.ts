/** Counts line ends in bytes, four at a time. */

const lineEnd = 0x0a;
/** The counters of four adjacent bytes overflow after 255 words. */
const wordsPerSum = 255;

/** Returns how many line ends `bytes` has from `start` to `end`. */
export function countLineEnds(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let count = 0;
  for (; at < end && (bytes.byteOffset + at) % 4 !== 0; at++) if (bytes[at] === lineEnd) count += 1;
  const length = Math.max(0, end - at) >> 2;
  // A few bytes may end before the next whole word.
  if (length === 0) return count + countBytes(bytes, at, end);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, length);
  for (let from = 0; from < length; from += wordsPerSum)
    count += sumWords(words, from, Math.min(length, from + wordsPerSum));
  return count + countBytes(bytes, at + length * 4, end);
}

function countBytes(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at] === lineEnd) count += 1;
  return count;
}

function sumWords(words: Uint32Array, from: number, to: number): number {
  let sums = 0;
  for (let i = from; i < to; i++) {
    const zeroAtLineEnd = (words[i] ?? 0) ^ 0x0a0a0a0a;
    // The high bit of each byte becomes 1 if one of its bits is 1. No byte carries into the next one.
    const other = ((zeroAtLineEnd & 0x7f7f7f7f) + 0x7f7f7f7f) | zeroAtLineEnd;
    sums += (~other >>> 7) & 0x01010101;
  }
  return (sums & 0xff) + ((sums >>> 8) & 0xff) + ((sums >>> 16) & 0xff) + (sums >>> 24);
}
