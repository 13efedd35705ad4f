/** Finds secrets in bytes, all patterns in one pass, and writes asterisks over them. Pure, and fast: a log may have a gigabyte. */
import { listPatterns, type SecretPattern, type Secret } from './secret-pattern.js';

/** From the first byte to behind the last one. */
export interface RedactedRange {
  readonly start: number;
  readonly end: number;
}

export interface Redactor {
  /** the longest stretch that one secret can take, in bytes: what two looks at a growing file must overlap by */
  readonly maxMatchBytes: number;
  /** where secrets stand in `bytes`, in order; ranges may overlap */
  find(bytes: Uint8Array): readonly RedactedRange[];
  /** the same text with asterisks in place of secrets */
  redact(text: string): string;
}

/** More lets fewer bytes be looked at, which is hardly quicker any more. */
const longestSeed = 16;
const asterisk = 0x2a;
const isBreak = (byte: number | undefined): boolean => byte === 10 || byte === 13;

/** A stretch of a pattern that is searched for; where it is found, the rest is compared. */
interface Seed {
  readonly pattern: SecretPattern;
  readonly offset: number;
}

/**
 * The search of Wu and Manber (1994): the last two bytes of a window as long as the shortest seed tell how far the
 * window may move on. Most bytes are never looked at.
 */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const patterns = listPatterns(secrets);
  const length = Math.min(
    longestSeed,
    ...patterns.map(({ bytes, isWrappable }) => (isWrappable ? bytes.length >> 1 : bytes.length)),
  );
  // A wrapped pattern has two seeds side by side: a line break spoils but one of them.
  const seeds: Seed[] = patterns.flatMap((pattern) => [
    { pattern, offset: 0 },
    ...(pattern.isWrappable ? [{ pattern, offset: length }] : []),
  ]);
  const shifts = new Uint8Array(slots).fill(length - 1);
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

/** Line breaks within a wrapped secret stay, so that lines keep their numbers. */
export function overwrite(bytes: Uint8Array, { start, end }: RedactedRange): void {
  for (let i = start; i < end; i++) if (!isBreak(bytes[i])) bytes[i] = asterisk;
}

/** The table stays in the processor's fastest cache; that several pairs share a slot costs a look now and then. */
const slots = 4096;
const slotOf = (first: number, second: number): number => ((first << 4) ^ second) & (slots - 1);

/**
 * Where windows end that may be a seed. Each step waits for the one before it, but not for those of another place: four
 * places at once take a third of the time. It is written out, since a function a step would cost as much as the step.
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

/** The whole pattern around the place where its seed would stand. */
function matchAround(bytes: Uint8Array, at: number, { pattern, offset }: Seed): RedactedRange | undefined {
  const wanted = pattern.bytes;
  let end = at;
  for (let i = offset; i < wanted.length; i++, end++) {
    if (pattern.isWrappable && i > offset) while (isBreak(bytes[end])) end++;
    if (bytes[end] !== wanted[i]) return undefined;
  }
  let start = at;
  for (let i = offset - 1; i >= 0; i--) {
    start--;
    if (pattern.isWrappable) while (isBreak(bytes[start])) start--;
    if (bytes[start] !== wanted[i]) return undefined;
  }
  return { start, end };
}
