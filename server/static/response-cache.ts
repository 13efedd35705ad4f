/** Caches the responses of a site in memory. A cached response is sent only while its file is unchanged. */
import { sep } from 'node:path';
import { acceptsGzip, headerOf } from '../http/request-headers.js';
import { rawPath } from '../http/request-path.js';
import type { HttpExchange } from '../http/response.js';
import type { WholeResponse } from '../http/send-representation.js';
import { cacheResponse, sendCached, type CachedResponse, type ResponseSource } from './cached-response.js';
import { isSameStamp, statFile } from './file-stamp.js';

export interface ResponseCacheOptions {
  /** of all responses in one encoding together, with their overhead */
  readonly maxBytes?: number;
  /** of one body; a larger one is read from its file each time */
  readonly maxBodyBytes?: number;
}

/** The cached responses of one site. docs/decisions/0005 says why this cache is not a library. */
export class ResponseCache {
  /** for clients that accept gzip */
  readonly gzip: ResponseTable;
  readonly plain: ResponseTable;
  readonly #root: string;

  /** `root`: real path of the site's folder. `clock`: monotonic, in milliseconds. */
  constructor(root: string, clock: () => number, options?: ResponseCacheOptions) {
    this.#root = root;
    this.gzip = new ResponseTable(clock, options);
    this.plain = new ResponseTable(clock, options);
  }

  /**
   * Responds from memory to a request for a whole file, conditional or not. Ignores the query. Returns false without
   * responding if there is no valid response.
   */
  send(exchange: HttpExchange, id: string): boolean {
    const { method, headers, url = '' } = exchange.request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (headers.range !== undefined || headers['service-worker'] !== undefined) return false;
    if (headers['want-repr-digest'] !== undefined) return false;
    return this.#tableFor(exchange).send(rawPath(url), exchange, id);
  }

  /** Adds a response that was just sent, if there is one. `path`: of its file, below the root. */
  add(
    exchange: HttpExchange,
    response: WholeResponse | undefined,
    { path, ...source }: Omit<ResponseSource, 'file'> & { readonly path: string },
  ): void {
    if (response === undefined) return;
    const file = `${this.#root}${sep}${path}`;
    this.#tableFor(exchange).add(rawPath(exchange.request.url ?? ''), response, { file, ...source });
  }

  clear(): void {
    this.gzip.clear();
    this.plain.clear();
  }

  #tableFor({ request }: HttpExchange): ResponseTable {
    return acceptsGzip(headerOf(request, 'accept-encoding')) ? this.gzip : this.plain;
  }
}

/** For this long, the folders and symlinks above a file are not checked again. */
const pathMs = 1000;

/**
 * The responses in one encoding, by the raw path of the request. The request that read a file checked its path;
 * the table only repeats its bytes, and never opens a file or follows a symlink itself.
 */
class ResponseTable {
  /** in the order in which they were added or skipped by eviction */
  readonly #entries = new Map<string, CachedResponse>();
  readonly #maxBytes: number;
  readonly #maxBodyBytes: number;
  readonly #clock: () => number;
  #bytes = 0;
  #turn = 0;
  #isTurnCounted = false;

  constructor(
    clock: () => number,
    { maxBytes = 2 ** 24, maxBodyBytes = 2 ** 18 }: ResponseCacheOptions = {},
  ) {
    this.#maxBytes = maxBytes;
    this.#maxBodyBytes = maxBodyBytes;
    this.#clock = clock;
  }

  /** The memory in use. */
  get bytes(): number {
    return this.#bytes;
  }

  send(path: string, exchange: HttpExchange, id: string): boolean {
    const cached = this.#entries.get(path);
    if (cached === undefined) return false;
    if (!this.#isValid(cached)) {
      this.#remove(path, cached);
      return false;
    }
    cached.isUsed = true;
    sendCached(cached, exchange, id);
    return true;
  }

  add(path: string, response: WholeResponse, source: ResponseSource): void {
    if (response.body.length > this.#maxBodyBytes) return;
    const cached = cacheResponse(path, response, source);
    if (cached === undefined) return;
    const before = this.#entries.get(path);
    if (before !== undefined) this.#remove(path, before);
    cached.turn = this.#turn;
    this.#countTurn();
    this.#entries.set(path, cached);
    this.#bytes += cached.bytes;
    this.#evict();
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  /**
   * Reports whether the file is unchanged. Requests in one turn of the event loop arrived together and share one
   * stat(2).
   */
  #isValid(cached: CachedResponse): boolean {
    if (this.#clock() - cached.checked > pathMs) return false;
    if (cached.turn === this.#turn && this.#isTurnCounted) return true;
    const now = statFile(cached.file);
    if (now === undefined || !isSameStamp(now, cached.stamp)) return false;
    this.#countTurn();
    cached.turn = this.#turn;
    return true;
  }

  #countTurn(): void {
    if (this.#isTurnCounted) return;
    this.#isTurnCounted = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnCounted = false;
    this.#turn++;
  };

  /** Evicts the oldest responses, but skips each once that was used since the last time (the clock algorithm). */
  #evict(): void {
    for (const [path, cached] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#remove(path, cached);
      if (!cached.isUsed) continue;
      cached.isUsed = false;
      this.#entries.set(path, cached);
      this.#bytes += cached.bytes;
    }
  }

  #remove(path: string, cached: CachedResponse): void {
    this.#entries.delete(path);
    this.#bytes -= cached.bytes;
  }
}
