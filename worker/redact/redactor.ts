/** Finds secrets in bytes and overwrites them with asterisks. Searches all patterns in one pass: a log can be a gigabyte. */
import { listPatterns, type SecretPattern, type Secret } from './secret-pattern.js';

/** Byte offsets; `end` is exclusive. */
export interface RedactedRange {
  readonly start: number;
  readonly end: number;
}

export interface Redactor {
  /** the length of the longest possible match; consecutive reads of a growing file must overlap by this much */
  readonly maxMatchBytes: number;
  /** returns the ranges of all secrets in `bytes`, sorted by start; ranges may overlap */
  find(bytes: Uint8Array): readonly RedactedRange[];
  /** returns the text with asterisks in place of secrets */
  redact(text: string): string;
}

/** A longer seed skips more bytes, but beyond this length the search hardly gets faster. */
const maxSeedBytes = 16;
const asterisk = 0x2a;
const isLineBreak = (byte: number | undefined): boolean => byte === 10 || byte === 13;

/** The part of a pattern that is searched for. Where it matches, the rest of the pattern is compared. */
interface Seed {
  readonly pattern: SecretPattern;
  readonly offset: number;
}

/**
 * Creates a redactor for the secrets. Searches with the algorithm of Wu and Manber (1994): the last two bytes of a window
 * as long as the shortest seed decide how far the window can advance, so most bytes are never read.
 */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const patterns = listPatterns(secrets);
  const length = Math.min(
    maxSeedBytes,
    ...patterns.map(({ bytes, isWrappable }) => (isWrappable ? bytes.length >> 1 : bytes.length)),
  );
  // A wrappable pattern gets two adjacent seeds, since a line break can split only one of them.
  const seeds: Seed[] = patterns.flatMap((pattern) => [
    { pattern, offset: 0 },
    ...(pattern.isWrappable ? [{ pattern, offset: length }] : []),
  ]);
  const shifts = new Uint8Array(slotCount).fill(length - 1);
  const seedsByEnd = new Map<number, Seed[]>();
  for (const seed of seeds) {
    const { bytes } = seed.pattern;
    for (let i = 1; i < length; i++) {
      const slot = slotOf(bytes[seed.offset + i - 1] ?? 0, bytes[seed.offset + i] ?? 0);
      shifts[slot] = Math.min(shifts[slot] ?? 0, length - 1 - i);
      if (i === length - 1) seedsByEnd.set(slot, [...(seedsByEnd.get(slot) ?? []), seed]);
    }
  }

  const find = (bytes: Uint8Array): RedactedRange[] => {
    const found: RedactedRange[] = [];
    for (const at of candidateEnds(bytes, shifts, length)) {
      for (const seed of seedsByEnd.get(slotOf(bytes[at - 1] ?? 0, bytes[at] ?? 0)) ?? []) {
        const range = matchAround(bytes, at - length + 1, seed);
        if (range !== undefined) found.push(range);
      }
    }
    return found.sort((a, b) => a.start - b.start);
  };
  const maxMatchBytes = Math.max(0, ...patterns.map(({ bytes }) => bytes.length * 2));
  return {
    maxMatchBytes,
    find: patterns.length === 0 ? () => [] : find,
    redact: (text) => {
      const bytes = Buffer.from(text);
      const ranges = patterns.length === 0 ? [] : find(bytes);
      if (ranges.length === 0) return text;
      for (const range of ranges) overwrite(bytes, range);
      return bytes.toString();
    },
  };
}

/** Writes asterisks over a range. Keeps the line breaks of a wrapped secret, so that line numbers stay the same. */
export function overwrite(bytes: Uint8Array, { start, end }: RedactedRange): void {
  for (let i = start; i < end; i++) if (!isLineBreak(bytes[i])) bytes[i] = asterisk;
}

/** Small enough for the L1 cache. Byte pairs that share a slot cost an extra comparison now and then. */
const slotCount = 4096;
const slotOf = (first: number, second: number): number => ((first << 4) ^ second) & (slotCount - 1);

/**
 * Returns the end offsets of windows that may be a seed. Each step depends on the one before it, so four quarters of the
 * input are searched in parallel by the same loop, which takes a third of the time. The steps are unrolled because a
 * function call costs as much as a step.
 */
function candidateEnds(bytes: Uint8Array, shifts: Uint8Array, length: number): readonly number[] {
  const found: number[] = [];
  const quarter = bytes.length >> 2;
  const [endA, endB, endC, endD] = [quarter, 2 * quarter, 3 * quarter, bytes.length];
  let a = length - 1;
  let b = Math.max(a, endA);
  let c = Math.max(a, endB);
  let d = Math.max(a, endC);
  while (a < endA && b < endB && c < endC && d < endD) {
    const shiftA = shifts[slotOf(bytes[a - 1] ?? 0, bytes[a] ?? 0)] ?? 1;
    const shiftB = shifts[slotOf(bytes[b - 1] ?? 0, bytes[b] ?? 0)] ?? 1;
    const shiftC = shifts[slotOf(bytes[c - 1] ?? 0, bytes[c] ?? 0)] ?? 1;
    const shiftD = shifts[slotOf(bytes[d - 1] ?? 0, bytes[d] ?? 0)] ?? 1;
    if (shiftA === 0) found.push(a++);
    if (shiftB === 0) found.push(b++);
    if (shiftC === 0) found.push(c++);
    if (shiftD === 0) found.push(d++);
    a += shiftA;
    b += shiftB;
    c += shiftC;
    d += shiftD;
  }
  for (const [begin, end] of [
    [a, endA],
    [b, endB],
    [c, endC],
    [d, endD],
  ] as const) {
    for (let at = begin; at < end;) {
      const shift = shifts[slotOf(bytes[at - 1] ?? 0, bytes[at] ?? 0)] ?? 1;
      if (shift === 0) found.push(at++);
      at += shift;
    }
  }
  return found;
}

/** Compares the whole pattern around a candidate seed at `at`. Returns undefined when it does not match. */
function matchAround(bytes: Uint8Array, at: number, { pattern, offset }: Seed): RedactedRange | undefined {
  const expected = pattern.bytes;
  let end = at;
  for (let i = offset; i < expected.length; i++, end++) {
    if (pattern.isWrappable && i > offset) while (isLineBreak(bytes[end])) end++;
    if (bytes[end] !== expected[i]) return undefined;
  }
  let start = at;
  for (let i = offset - 1; i >= 0; i--) {
    start--;
    if (pattern.isWrappable) while (isLineBreak(bytes[start])) start--;
    if (bytes[start] !== expected[i]) return undefined;
  }
  return { start, end };
}
