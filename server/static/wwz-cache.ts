/** Paths of wwz files -> open ones, kept between requests. A file that was replaced is noticed at the next request. */
import { accept, type Result } from '../../model/result.js';
import { defaultWwzLimits, type WwzLimits } from '../../wwz/limits.js';
import { openWwz, type WwzFile } from '../../wwz/open.js';

export interface WwzCacheOptions {
  /** descriptors that are kept open while nobody reads */
  readonly maxOpen?: number;
  /** bytes of all their directories together */
  readonly maxDirectoryBytes?: number;
  readonly limits?: WwzLimits;
}

/** A wwz in use. It stays open, and what it was, until release(). */
export interface WwzLease {
  readonly file: WwzFile;
  release(): void;
}

interface Slot {
  readonly file: WwzFile;
  users: number;
  /** replaced, pushed out or the cache is closed: the last user closes it */
  retired: boolean;
  closed: boolean;
}

/** An LRU of open wwz files, shared by all requests. */
export class WwzCache {
  readonly #slots = new Map<string, Slot>();
  readonly #opening = new Map<string, Promise<Result<Slot>>>();
  readonly #maxOpen: number;
  readonly #maxDirectoryBytes: number;
  readonly #limits: WwzLimits;
  #directoryBytes = 0;
  readonly #closing = new Set<Promise<void>>();

  constructor({
    maxOpen = 64,
    maxDirectoryBytes = 2 ** 27,
    limits = defaultWwzLimits,
  }: WwzCacheOptions = {}) {
    this.#maxOpen = maxOpen;
    this.#maxDirectoryBytes = maxDirectoryBytes;
    this.#limits = limits;
  }

  /** The wwz that is at `path` now: the caller has just seen its `identity` there. Refuses what is no wwz. */
  async lease(path: string, identity: string): Promise<Result<WwzLease>> {
    const slot = this.#slots.get(path);
    if (slot?.file.identity === identity) {
      // A Map keeps the order of insertion: the last used one goes to the end.
      this.#slots.delete(path);
      this.#slots.set(path, slot);
      return accept(this.#use(slot));
    }
    const opened = await this.#open(path, identity);
    return opened.ok ? accept(this.#use(opened.value)) : opened;
  }

  /** Requests that come together open a file once. One that comes after a replacement does not join an older opening. */
  #open(path: string, identity: string): Promise<Result<Slot>> {
    const key = `${identity} ${path}`;
    const under = this.#opening.get(key);
    if (under !== undefined) return under;
    const opening = this.#openNow(path).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  async #openNow(path: string): Promise<Result<Slot>> {
    const opened = await openWwz(path, this.#limits);
    if (!opened.ok) return opened;
    const before = this.#slots.get(path);
    if (before !== undefined) this.#retire(path, before);
    const slot: Slot = { file: opened.value, users: 0, retired: false, closed: false };
    this.#slots.set(path, slot);
    this.#directoryBytes += slot.file.directory.bytes.length;
    this.#evict(slot);
    return accept(slot);
  }

  #evict(newest: Slot): void {
    for (const [path, slot] of this.#slots) {
      const isFull = this.#slots.size > this.#maxOpen || this.#directoryBytes > this.#maxDirectoryBytes;
      if (!isFull || slot === newest) return;
      this.#retire(path, slot);
    }
  }

  #retire(path: string, slot: Slot): void {
    this.#slots.delete(path);
    this.#directoryBytes -= slot.file.directory.bytes.length;
    slot.retired = true;
    // Whoever waits for the opening of this slot takes it in the same turn of the loop as the opening ends.
    setImmediate(() => {
      this.#closeUnused(slot);
    });
  }

  #use(slot: Slot): WwzLease {
    slot.users++;
    let isReleased = false;
    return {
      file: slot.file,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        slot.users--;
        this.#closeUnused(slot);
      },
    };
  }

  #closeUnused(slot: Slot): void {
    if (!slot.retired || slot.users > 0 || slot.closed) return;
    slot.closed = true;
    const closing = slot.file.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Forgets all files; each is closed when its last reader is done. Waits for those that nobody reads. */
  async close(): Promise<void> {
    await Promise.all(this.#opening.values());
    for (const [path, slot] of this.#slots) this.#retire(path, slot);
    await new Promise(setImmediate);
    await Promise.all(this.#closing);
  }
}
