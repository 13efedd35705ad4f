/** One request as handlers see it, and what they answer: data in, data out; sending is somebody else's. */
import type { IncomingMessage } from 'node:http';
import type { Gatekeeper } from './authorization.js';
import type { Limits } from './limits.js';
import type { Metrics } from './metrics.js';
import type { Site } from './site.js';

export interface Ask {
  readonly request: IncomingMessage;
  /** percent-decoded, without the query */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly site: Site;
  readonly keeper: Gatekeeper;
  readonly limits: Limits;
  readonly metrics: Metrics;
}

/** A good answer: JSON for programs, its sentence for people; or text alone. */
export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | string;
}
