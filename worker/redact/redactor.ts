/** Finds secrets in bytes and overwrites them with asterisks. Searches all patterns in one pass: a log can be a gigabyte. */
import {
  chooseSeeds,
  matchAround,
  maxBytesOf,
  seedBytes,
  type BytePair,
  type RedactedRange,
  type Seed,
} from './pattern-match.js';
import { listPatterns, type Secret } from './secret-pattern.js';

export interface Redactor {
  /** the length of the longest possible match; consecutive reads of a growing file must overlap by this much */
  readonly maxMatchBytes: number;
  /** returns the ranges of all secrets in `bytes`, sorted by start; ranges may overlap */
  find(bytes: Uint8Array): readonly RedactedRange[];
  /** returns the text with asterisks in place of secrets */
  redact(text: string): string;
}

const asterisk = 0x2a;
const isLineBreak = (byte: number | undefined): boolean => byte === 10 || byte === 13;

/**
 * Creates a redactor for the secrets. Searches with the algorithm of Wu and Manber (1994): the last two bytes of a window
 * as long as the shortest seed decide how far the window can advance, so most bytes are never read.
 */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const patterns = listPatterns(secrets);
  if (patterns.length === 0) return { maxMatchBytes: 0, find: () => [], redact: (text) => text };
  const length = Math.min(...patterns.map(seedBytes));
  const shifts = new Uint8Array(slotCount).fill(length - 1);
  /** the seeds that have these bytes at the start and at the end of a window */
  const seedsByBytes = new Map<number, Seed[]>();
  for (const seed of patterns.flatMap((pattern) => chooseSeeds(pattern, length))) {
    for (const { first, second, at } of seed.pairs) {
      const slot = slotOf(first, second);
      shifts[slot] = Math.min(shifts[slot] ?? 0, length - 1 - at);
    }
    for (const key of windowKeys(seed, length)) {
      const seeds = seedsByBytes.get(key);
      if (seeds === undefined) seedsByBytes.set(key, [seed]);
      else seeds.push(seed);
    }
  }
  const isKey = new Uint8Array(keyCount);
  for (const key of seedsByBytes.keys()) isKey[key] = 1;

  const find = (bytes: Uint8Array): RedactedRange[] => {
    const found: RedactedRange[] = [];
    for (const at of candidateEnds(bytes, shifts, length)) {
      const start = at - length + 1;
      const key = keyOf(bytes[start] ?? 0, bytes[start + 1] ?? 0, bytes[at - 1] ?? 0, bytes[at] ?? 0);
      if (isKey[key] === 0) continue;
      for (const seed of seedsByBytes.get(key) ?? []) found.push(...matchAround(bytes, start, seed));
    }
    return found.sort((a, b) => a.start - b.start);
  };
  return {
    maxMatchBytes: Math.max(...patterns.map(maxBytesOf)),
    find,
    redact: (text) => {
      const bytes = Buffer.from(text);
      const ranges = find(bytes);
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

/** Windows at which no seed can be are rejected by their first two and last two bytes. */
const keyCount = 65_536;
const keyOf = (a: number, b: number, y: number, z: number): number =>
  (Math.imul((a << 24) | (b << 16) | (y << 8) | z, 0x9e3779b1) >>> 16) & (keyCount - 1);

function windowKeys({ pairs }: Seed, length: number): ReadonlySet<number> {
  const at = (offset: number): readonly BytePair[] => pairs.filter((pair) => pair.at === offset);
  const ends = at(length - 1);
  return new Set(at(1).flatMap((a) => ends.map((z) => keyOf(a.first, a.second, z.first, z.second))));
}

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
