/** Keeps wwz files open between requests. A file that was replaced is opened again at the next request. */
import { LRUCache } from 'lru-cache';
import { accept, type Result } from '../../model/result.js';
import { defaultWwzLimits, type WwzLimits } from '../../wwz/limits.js';
import { openWwz, type WwzFile } from '../../wwz/open.js';

export interface WwzCacheOptions {
  /** files that are kept open while no request reads them */
  readonly maxOpen?: number;
  /** bytes of all their directories together */
  readonly maxDirectoryBytes?: number;
  readonly limits?: WwzLimits;
}

/** A wwz in use. It stays open until release(), and keeps its content even if the file is replaced. */
export interface WwzLease {
  readonly file: WwzFile;
  release(): void;
}

interface OpenFile {
  readonly wwz: WwzFile;
  users: number;
  /** no longer in the cache: its last user closes it */
  isRetired: boolean;
  isClosed: boolean;
}

/** The open wwz files of a site, shared by all requests. The least recently used are closed first. */
export class WwzCache {
  readonly #files: LRUCache<string, OpenFile>;
  readonly #opening = new Map<string, Promise<Result<OpenFile>>>();
  readonly #limits: WwzLimits;
  readonly #closing = new Set<Promise<void>>();

  constructor({
    maxOpen = 64,
    maxDirectoryBytes = 2 ** 27,
    limits = defaultWwzLimits,
  }: WwzCacheOptions = {}) {
    this.#files = new LRUCache({
      max: maxOpen,
      maxSize: maxDirectoryBytes,
      // LRUCache neither stores nor disposes of an entry larger than maxSize, so no size is larger.
      sizeCalculation: ({ wwz }) => Math.min(Math.max(1, wwz.directory.bytes.length), maxDirectoryBytes),
      dispose: (file) => {
        this.#retire(file);
      },
    });
    this.#limits = limits;
  }

  /** Leases the wwz at `path`, whose identity the caller has just read. Refuses a file that is not a valid wwz. */
  async lease(path: string, identity: string): Promise<Result<WwzLease>> {
    const file = this.#files.get(path);
    if (file?.wwz.identity === identity) return accept(this.#use(file));
    const opened = await this.#open(path, identity);
    return opened.ok ? accept(this.#use(opened.value)) : opened;
  }

  /**
   * Opens a file once for concurrent requests. The identity is part of the key, so that a replaced file is opened
   * again.
   */
  #open(path: string, identity: string): Promise<Result<OpenFile>> {
    const key = `${identity} ${path}`;
    const current = this.#opening.get(key);
    if (current !== undefined) return current;
    const opening = this.#openNow(path).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  async #openNow(path: string): Promise<Result<OpenFile>> {
    const opened = await openWwz(path, this.#limits);
    if (!opened.ok) return opened;
    const file: OpenFile = { wwz: opened.value, users: 0, isRetired: false, isClosed: false };
    this.#files.set(path, file);
    return accept(file);
  }

  #retire(file: OpenFile): void {
    file.isRetired = true;
    // Requests that waited for the open become users in this turn of the event loop, so close in the next.
    setImmediate(() => {
      this.#closeUnused(file);
    });
  }

  #use(file: OpenFile): WwzLease {
    file.users++;
    let isReleased = false;
    return {
      file: file.wwz,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        file.users--;
        this.#closeUnused(file);
      },
    };
  }

  #closeUnused(file: OpenFile): void {
    if (!file.isRetired || file.users > 0 || file.isClosed) return;
    file.isClosed = true;
    const closing = file.wwz.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Removes all files. Closes those without users; the last user of each other file closes it. */
  async close(): Promise<void> {
    await Promise.all(this.#opening.values());
    this.#files.clear();
    await new Promise(setImmediate);
    await Promise.all(this.#closing);
  }
}
