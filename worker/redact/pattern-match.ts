/** Matches the patterns of secrets against bytes, and chooses the part of each pattern that is searched for. Pure. */
import type { SecretPattern } from './secret-pattern.js';
import type { SpellingState } from './spelling-graph.js';

/** Byte offsets; `end` is exclusive. */
export interface RedactedRange {
  readonly start: number;
  readonly end: number;
}

/** The part of a pattern that is searched for. Where it matches, the whole pattern is matched. */
export interface Seed {
  readonly pattern: SecretPattern;
  /** the index of the unit at which it starts */
  readonly unit: number;
  /** the longest text of the units before it */
  readonly bytesBefore: number;
  /** the longest match of the whole pattern */
  readonly maxBytes: number;
  /** all pairs of adjacent bytes in its spellings */
  readonly pairs: readonly BytePair[];
}

export interface BytePair {
  readonly first: number;
  readonly second: number;
  /** the offset of the second in the seed */
  readonly at: number;
}

/** A state within a unit of a pattern. */
interface Position {
  readonly unit: number;
  readonly state: SpellingState;
}

/** A longer seed skips more bytes, but beyond this length the search hardly gets faster. */
const maxSeedBytes = 16;
/** Up to this length, even characters with many spellings are better than a shorter seed. */
const mixedSeedBytes = 8;
/** A seed starts in this first part of its pattern, since everything before it is matched at several starts. */
const maxSeedUnits = 64;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const minBytesOf = ({ units }: SecretPattern): number => sum(units.map(({ minBytes }) => minBytes));
export const maxBytesOf = ({ units }: SecretPattern): number => sum(units.map(({ maxBytes }) => maxBytes));

/**
 * Returns how long the seeds of a pattern can be. Characters with many spellings make a seed of so many pairs of bytes
 * that the search skips little, so it should consist of characters with one.
 */
export function seedBytes(pattern: SecretPattern): number {
  // A line can end within one of two seeds, but not in both.
  if (pattern.isWrappable) return Math.min(maxSeedBytes, minBytesOf(pattern) >> 1);
  let [longest, run] = [Math.min(mixedSeedBytes, minBytesOf(pattern)), 0];
  for (const { isPlain } of pattern.units.slice(0, maxSeedUnits)) {
    run = isPlain ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return Math.min(maxSeedBytes, longest);
}

/** Chooses the seeds of a pattern: two for one that can be wrapped into lines, or else one. */
export function chooseSeeds(pattern: SecretPattern, length: number): readonly Seed[] {
  const first = chooseSeed(pattern, length, 0);
  if (!pattern.isWrappable) return [first];
  return [first, chooseSeed(pattern, length, unitAfter(pattern, first.unit, length))];
}

/** Chooses the seed with the fewest spellings that starts at or after `from`. */
function chooseSeed(pattern: SecretPattern, length: number, from: number): Seed {
  const { units } = pattern;
  let best = { unit: from, weight: Infinity };
  for (let unit = from; unit < Math.min(units.length, from + maxSeedUnits); unit++) {
    const end = unitAfter(pattern, unit, length);
    if (end > units.length || (pattern.isWrappable && from === 0 && !hasRoom(pattern, end, length))) break;
    const weight = sum(units.slice(unit, end).map((own) => own.maxBytes));
    if (weight < best.weight) best = { unit, weight };
  }
  const { unit } = best;
  const bytesBefore = maxBytesOf({ ...pattern, units: units.slice(0, unit) });
  return {
    ...{ pattern, unit, bytesBefore, maxBytes: maxBytesOf(pattern) },
    pairs: listPairs(pattern, unit, length),
  };
}

/** Returns the index of the unit after a seed, or more than there are units if the pattern ends first. */
function unitAfter({ units }: SecretPattern, unit: number, length: number): number {
  let end = unit;
  for (let bytes = 0; bytes < length; end++) bytes += units[end]?.minBytes ?? Infinity;
  return end;
}

const hasRoom = (pattern: SecretPattern, unit: number, length: number): boolean =>
  unitAfter(pattern, unit, length) <= pattern.units.length;

/** Lists the pairs of the first `length` bytes from a unit on. */
function listPairs(pattern: SecretPattern, unit: number, length: number): BytePair[] {
  const pairs: BytePair[] = [];
  const start = pattern.units[unit];
  if (start === undefined) return pairs;
  /** for each position, the bytes that lead to it */
  let before = new Map<Position, Set<number>>([[{ unit, state: start.core }, new Set()]]);
  for (let at = 0; at < length; at++) {
    const after = new Map<Position, Set<number>>();
    const positions = new Map<number, Position>();
    const seen = new Set<number>();
    for (const [position, bytes] of before) {
      for (const byte of position.state.bytes) {
        for (const first of bytes) seen.add(first * 256 + byte);
        for (const next of advance(pattern, [position], byte, pattern.isWrappable)) {
          const key = next.unit * 2 ** 32 + next.state.id;
          const known = positions.get(key) ?? next;
          positions.set(key, known);
          const leading = after.get(known);
          if (leading === undefined) after.set(known, new Set([byte]));
          else leading.add(byte);
        }
      }
    }
    for (const pair of seen) pairs.push({ first: pair >> 8, second: pair & 255, at });
    before = after;
  }
  return pairs;
}

/** Returns the positions after one more byte. The end of the last unit is no position: see isComplete(). */
function advance(
  { units }: SecretPattern,
  positions: readonly Position[],
  byte: number,
  isCoreOnly: boolean,
): Position[] {
  const after: Position[] = [];
  const add = (unit: number, state: SpellingState): void => {
    if (!after.some((other) => other.unit === unit && other.state === state)) after.push({ unit, state });
  };
  for (const { unit, state } of positions) {
    const next = state.step(byte);
    if (next === undefined) continue;
    add(unit, next);
    const following = units[unit + 1];
    if (next.isEnd && following !== undefined) add(unit + 1, isCoreOnly ? following.core : following.first);
  }
  return after;
}

/** Matches the seed's pattern from a unit on. Returns the end of the longest match, or undefined. */
function matchFrom(bytes: Uint8Array, at: number, seed: Seed, unit: number): number | undefined {
  const { units } = seed.pattern;
  const limit = Math.min(bytes.length, at + seed.maxBytes);
  let index = unit;
  let state = units[unit]?.core;
  // There is one position only, until a spelling can be complete and also continue.
  for (let i = at; i < limit && state !== undefined;) {
    const next: SpellingState | undefined = state.step(bytes[i++] ?? 0);
    if (next === undefined) return undefined;
    if (next.isEnd && next.bytes.size > 0)
      return matchRest(bytes, i, seed, limit, { unit: index, state: next });
    if (next.isEnd && index === units.length - 1) return i;
    state = next.isEnd ? units[++index]?.first : next;
  }
  return undefined;
}

/** Continues a match from a position at which a spelling is complete. */
function matchRest(
  bytes: Uint8Array,
  at: number,
  { pattern }: Seed,
  limit: number,
  { unit, state }: Position,
): number | undefined {
  const last = pattern.units.length - 1;
  const following = pattern.units[unit + 1];
  let positions: Position[] = [
    { unit, state },
    ...(following === undefined ? [] : [{ unit: unit + 1, state: following.first }]),
  ];
  let end = unit === last ? at : undefined;
  for (let i = at; i < limit && positions.length > 0; i++) {
    positions = advance(pattern, positions, bytes[i] ?? 0, false);
    if (positions.some((position) => position.unit === last && position.state.isEnd)) end = i + 1;
  }
  return end;
}

/** Returns the matches of a whole pattern whose seed starts at `at`. */
export function matchAround(bytes: Uint8Array, at: number, seed: Seed): RedactedRange[] {
  const end = matchFrom(bytes, at, seed, seed.unit);
  if (end === undefined) return [];
  if (seed.unit === 0) return [{ start: at, end }];
  const found: RedactedRange[] = [];
  // The units before the seed have many spellings, so all possible starts are tried.
  for (let start = Math.max(0, at - seed.bytesBefore); start < at; start++) {
    const wholeEnd = matchFrom(bytes, start, seed, 0);
    if (wholeEnd !== undefined && wholeEnd > at) found.push({ start, end: wholeEnd });
  }
  return found;
}
