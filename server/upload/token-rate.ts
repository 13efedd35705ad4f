/** Limits how many requests a token makes that write to the site. */
import { refuse, accept, type Result } from '../../model/result.js';

/** Why a request has to wait. */
export interface RateRefusal {
  readonly kind: 'token-rate';
  readonly token: string;
  readonly perSecond: number;
  /** whole seconds until a request is accepted again */
  readonly waitSeconds: number;
}

interface Bucket {
  requests: number;
  /** when `requests` was true, in seconds */
  time: number;
}

/** A bucket of requests for each token: it holds `burst`, and fills with `perSecond`. */
export class TokenRate {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one request of a token. `now`: seconds of any clock that does not go back. */
  take(token: string, now: number): Result<true, RateRefusal> {
    const bucket = this.#buckets.get(token) ?? { requests: this.#burst, time: now };
    this.#buckets.set(token, bucket);
    const filled = bucket.requests + (now - bucket.time) * this.#perSecond;
    bucket.requests = Math.min(this.#burst, filled);
    bucket.time = now;
    if (bucket.requests < 1) {
      const waitSeconds = Math.max(1, Math.ceil((1 - bucket.requests) / this.#perSecond));
      return refuse({ kind: 'token-rate', token, perSecond: this.#perSecond, waitSeconds });
    }
    bucket.requests--;
    return accept(true);
  }
}
