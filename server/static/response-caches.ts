/** Answers of a site that stay in memory: which requests they may answer, and which answers come to stay. */
import { sep } from 'node:path';
import { acceptsGzip } from '../http/request-headers.js';
import { ResponseCache, type AnswerSource, type ResponseCacheOptions } from './response-cache.js';
import { headerOf, type Exchange, type WholeAnswer } from '../http/send-representation.js';
import { rawPath } from '../http/request-path.js';

/** Of one site. `root` is the real path of its folder. */
export class ResponseCaches {
  /** for those who accept gzip */
  readonly gzip: ResponseCache;
  readonly plain: ResponseCache;
  readonly #root: string;

  /** `clock`: milliseconds from any point on; never goes back */
  constructor(root: string, clock: () => number, options?: ResponseCacheOptions) {
    this.#root = root;
    this.gzip = new ResponseCache(clock, options);
    this.plain = new ResponseCache(clock, options);
  }

  /**
   * Answers out of memory what asks for the whole of something, if perhaps only when it is new. A query changes nothing in
   * it. False: nothing was done.
   */
  send(exchange: Exchange, id: string): boolean {
    const { method, headers, url = '' } = exchange.request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (headers.range !== undefined || headers['service-worker'] !== undefined) return false;
    if (headers['want-repr-digest'] !== undefined) return false;
    return this.#tableFor(exchange).send(rawPath(url), exchange, id);
  }

  /** Holds what was just sent, where it was the whole. `path`: of the file that it came from, below the root. */
  keep(
    exchange: Exchange,
    answer: WholeAnswer | undefined,
    { path, ...source }: Omit<AnswerSource, 'file'> & { readonly path: string },
  ): void {
    if (answer === undefined) return;
    const file = `${this.#root}${sep}${path}`;
    this.#tableFor(exchange).keep(rawPath(exchange.request.url ?? ''), answer, { file, ...source });
  }

  clear(): void {
    this.gzip.clear();
    this.plain.clear();
  }

  #tableFor({ request }: Exchange): ResponseCache {
    return acceptsGzip(headerOf(request, 'accept-encoding')) ? this.gzip : this.plain;
  }
}
