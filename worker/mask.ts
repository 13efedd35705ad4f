/** Finds secrets in bytes, all patterns in one pass, and writes asterisks over them. Pure, and fast: a log may have a gigabyte. */
import { planPatterns, type MaskPattern, type Secret } from './mask-pattern.js';

/** From the first byte to behind the last one. */
export interface MaskedRange {
  readonly start: number;
  readonly end: number;
}

export interface Mask {
  /** the longest stretch that one secret can take, in bytes: what two looks at a growing file must overlap by */
  readonly longest: number;
  /** where secrets stand in `bytes`, in order; ranges may overlap */
  find(bytes: Uint8Array): readonly MaskedRange[];
  /** the same text with asterisks in place of secrets */
  text(text: string): string;
}

/** More lets fewer bytes be looked at, which is hardly quicker any more. */
const longestSeed = 16;
const asterisk = 0x2a;
const isBreak = (byte: number | undefined): boolean => byte === 10 || byte === 13;

/** A stretch of a pattern that is searched for; where it is found, the rest is compared. */
interface Seed {
  readonly pattern: MaskPattern;
  readonly offset: number;
}

/**
 * The search of Wu and Manber (1994): the last two bytes of a window as long as the shortest seed tell how far the
 * window may move on. Most bytes are never looked at.
 */
export function makeMask(secrets: readonly Secret[]): Mask {
  const patterns = planPatterns(secrets);
  const length = Math.min(
    longestSeed,
    ...patterns.map(({ bytes, isWrappable }) => (isWrappable ? bytes.length >> 1 : bytes.length)),
  );
  // A wrapped pattern has two seeds side by side: a line break spoils but one of them.
  const seeds: Seed[] = patterns.flatMap((pattern) => [
    { pattern, offset: 0 },
    ...(pattern.isWrappable ? [{ pattern, offset: length }] : []),
  ]);
  const shifts = new Uint8Array(0x10000).fill(length - 1);
  const seedsByEnd = new Map<number, Seed[]>();
  for (const seed of seeds) {
    const { bytes } = seed.pattern;
    for (let i = 1; i < length; i++) {
      const pair = pairAt(bytes, seed.offset + i);
      shifts[pair] = Math.min(shifts[pair] ?? 0, length - 1 - i);
      if (i === length - 1) seedsByEnd.set(pair, [...(seedsByEnd.get(pair) ?? []), seed]);
    }
  }

  const find = (bytes: Uint8Array): MaskedRange[] => {
    const found: MaskedRange[] = [];
    for (let at = length - 1; at < bytes.length;) {
      const shift = shifts[pairAt(bytes, at)] ?? 1;
      if (shift > 0) {
        at += shift;
        continue;
      }
      for (const seed of seedsByEnd.get(pairAt(bytes, at)) ?? []) {
        const range = matchAround(bytes, at - length + 1, seed);
        if (range !== undefined) found.push(range);
      }
      at++;
    }
    return found.sort((a, b) => a.start - b.start);
  };
  const longest = Math.max(0, ...patterns.map(({ bytes }) => bytes.length * 2));
  return {
    longest,
    find: patterns.length === 0 ? () => [] : find,
    text: (text) => {
      const bytes = Buffer.from(text);
      const ranges = patterns.length === 0 ? [] : find(bytes);
      if (ranges.length === 0) return text;
      for (const range of ranges) overwrite(bytes, range);
      return bytes.toString();
    },
  };
}

/** Line breaks within a wrapped secret stay, so that lines keep their numbers. */
export function overwrite(bytes: Uint8Array, { start, end }: MaskedRange): void {
  for (let i = start; i < end; i++) if (!isBreak(bytes[i])) bytes[i] = asterisk;
}

const pairAt = (bytes: Uint8Array, at: number): number => ((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0);

/** The whole pattern around the place where its seed would stand. */
function matchAround(bytes: Uint8Array, at: number, { pattern, offset }: Seed): MaskedRange | undefined {
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
