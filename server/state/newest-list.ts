/** A list of items sorted by time, newest first. Items are added and removed in any order. */

export interface Timed {
  /** seconds since 1970, UTC */
  readonly time: number;
  /** decides between equal times */
  readonly id: string;
}

export class NewestList<T extends Timed> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  newest(count: number): readonly T[] {
    return this.#items.slice(0, count);
  }

  /** Adds an item, or replaces the one with the same time and id. */
  put(item: T): void {
    const index = this.#position(item);
    if (this.#items[index]?.id === item.id) this.#items[index] = item;
    else this.#items.splice(index, 0, item);
  }

  /** Removes the item with this time and id. */
  remove(item: Timed): void {
    const index = this.#position(item);
    if (this.#items[index]?.id === item.id) this.#items.splice(index, 1);
  }

  #position({ time, id }: Timed): number {
    let [low, high] = [0, this.#items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#items[middle];
      if (other !== undefined && (other.time > time || (other.time === time && other.id < id)))
        low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
