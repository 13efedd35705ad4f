/** Finds the places in a log where one of several words may be, in any case, at about a gigabyte a second. */

/** Places where a word was found: the offset of its last byte, and the index of the word. */
export interface FoundWords {
  readonly ends: readonly number[];
  readonly words: readonly number[];
}

/** Bit 5 is the only difference between upper-case and lower-case letters. */
const fold = (byte: number): number => byte | 0x20;
const foldText = (text: string): Buffer => Buffer.from(Buffer.from(text).map(fold));
const foldPair = (first: number, second: number): number => (fold(first) << 8) | fold(second);

/** A place of a pair of bytes within a word. */
interface PairPlace {
  readonly word: number;
  readonly offset: number;
}

/** A lower-case word, and three adjacent bytes of it that are rare in logs: they are looked for first. */
export type FilterWord = readonly [word: string, rare: string];

/**
 * Creates a search for words. It reads the text two bytes at a time, so it looks for two overlapping pairs of each word: one
 * of them is at an even place.
 */
export function createByteFilter(words: readonly FilterWord[]): (bytes: Uint8Array) => FoundWords {
  const patterns = words.map(([word]) => foldText(word));
  const places = new Map<number, PairPlace[]>();
  for (const [word, pattern] of patterns.entries()) {
    const rare = pattern.indexOf(foldText(words[word]?.[1] ?? ''));
    for (const offset of [rare, rare + 1]) {
      const pair = foldPair(pattern[offset] ?? 0, pattern[offset + 1] ?? 0);
      places.set(pair, [...(places.get(pair) ?? []), { word, offset }]);
    }
  }
  const isWanted = tableOf(places);

  return (bytes) => {
    const found: { ends: number[]; words: number[] } = { ends: [], words: [] };
    const first = bytes.byteOffset % 2;
    const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + first, (bytes.length - first) >> 1);
    const check = (pair: number): void => {
      const at = first + 2 * pair;
      for (const { word, offset } of places.get(foldPair(bytes[at] ?? 0, bytes[at + 1] ?? 0)) ?? []) {
        const pattern = patterns[word];
        if (pattern === undefined || !startsWith(bytes, at - offset, pattern)) continue;
        found.ends.push(at - offset + pattern.length - 1);
        found.words.push(word);
      }
    };
    let at = 0;
    for (; at + 4 <= pairs.length; at += 4) {
      const a = isWanted[pairs[at] ?? 0] ?? 0;
      const b = isWanted[pairs[at + 1] ?? 0] ?? 0;
      const c = isWanted[pairs[at + 2] ?? 0] ?? 0;
      const d = isWanted[pairs[at + 3] ?? 0] ?? 0;
      // One branch for eight bytes, which is seldom taken.
      if ((a | b | c | d) !== 0) for (let i = 0; i < 4; i++) check(at + i);
    }
    for (; at < pairs.length; at++) check(at);
    return found;
  };
}

/** Returns a table of all pairs of bytes, as the machine reads them as a number: 1 for those that are in a word. */
function tableOf(places: ReadonlyMap<number, unknown>): Uint8Array {
  const table = new Uint8Array(1 << 16);
  const pair = new Uint16Array(1);
  const bytes = new Uint8Array(pair.buffer);
  for (let value = 0; value < table.length; value++) {
    pair[0] = value;
    if (places.has(foldPair(bytes[0] ?? 0, bytes[1] ?? 0))) table[value] = 1;
  }
  return table;
}

function startsWith(bytes: Uint8Array, start: number, pattern: Uint8Array): boolean {
  if (start < 0) return false;
  for (let i = 0; i < pattern.length; i++) {
    if (start + i >= bytes.length || fold(bytes[start + i] ?? 0) !== pattern[i]) return false;
  }
  return true;
}
