/** A list of items sorted by rank, the highest first. Items are added and removed in any order. */
import { compareRunNames } from '../../model/run.js';

export interface Ranked {
  readonly rank: number;
  /** decides between equal ranks: names whose digits are compared by value; together with the rank, they identify an item */
  readonly tie: readonly string[];
}

/** Compares two items; negative if the first one is before the second. */
export function compareRanks(a: Ranked, b: Ranked): number {
  if (a.rank !== b.rank) return b.rank - a.rank;
  for (let i = 0; i < Math.max(a.tie.length, b.tie.length); i++) {
    const order = compareRunNames(b.tie[i] ?? '', a.tie[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

export class NewestList<T extends Ranked> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  newest(count: number): readonly T[] {
    return this.#items.slice(0, count);
  }

  /** Adds an item, or replaces the one with the same rank and tie. */
  put(item: T): void {
    const index = this.#position(item);
    const known = this.#items[index];
    if (known !== undefined && compareRanks(known, item) === 0) this.#items[index] = item;
    else this.#items.splice(index, 0, item);
  }

  /** Removes the item with this rank and tie. */
  remove(item: Ranked): void {
    const index = this.#position(item);
    const known = this.#items[index];
    if (known !== undefined && compareRanks(known, item) === 0) this.#items.splice(index, 1);
  }

  #position(item: Ranked): number {
    let [low, high] = [0, this.#items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#items[middle];
      if (other !== undefined && compareRanks(other, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
