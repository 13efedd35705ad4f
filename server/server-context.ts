/** What every route may use, and what it gets of a request. */
import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.js';
import { problem } from './answer.js';
import { identify, type Guard } from './authorization.js';
import type { ServerLimits } from './limits.js';
import type { Metrics } from './metrics.js';
import type { RetentionWatch } from './retention-watch.js';
import type { Site } from './site.js';
import { permits, type StoredToken, type Wish } from './token.js';

export interface ServerContext {
  readonly site: Site;
  readonly limits: ServerLimits;
  readonly guard: Guard;
  readonly metrics: Metrics;
  /** absent where the site keeps everything */
  readonly retention?: RetentionWatch;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** a line for the operator, beside the request's own */
  readonly report: (message: string) => void;
}

/** A request as a route sees it. */
export interface Call {
  readonly request: IncomingMessage;
  /** the part of the address behind the route's own, percent-encoded still */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** asks a client that waits for it (`Expect: 100-continue`) to send the body; to be called before it is read */
  readonly welcome: () => void;
  /** tells the log who asked */
  readonly name: (tokenId: string) => void;
}

export type Route = (call: Call, context: ServerContext) => Promise<Answer>;

export type Admission =
  { readonly ok: true; readonly token: StoredToken } | { readonly ok: false; readonly answer: Answer };

/** Who asks, and whether they may: 401 without a good token, 403 with one that lacks the right. No wish: who is enough. */
export async function admit(
  { request, name }: Call,
  { guard, now }: ServerContext,
  wish?: Wish,
): Promise<Admission> {
  const identified = await identify(guard, request.headers, now());
  if (!identified.ok) return identified;
  name(identified.token.id);
  const refused = wish && forbid(identified.token, wish);
  return refused === undefined ? identified : { ok: false, answer: refused };
}

/** The 403 for a wish that a token does not permit. */
export function forbid(token: StoredToken, wish: Wish): Answer | undefined {
  const permitted = permits(token, wish);
  return permitted.ok ? undefined : problem(403, permitted.error);
}

/** Waits for the pages; when they cannot be written now, what was stored is stored all the same. */
export async function afterPages(shown: Promise<void>, { metrics, report }: ServerContext): Promise<void> {
  try {
    await shown;
  } catch (error) {
    metrics.add('soil_page_failures');
    report(`cannot write the pages: ${error instanceof Error ? error.message : String(error)}`);
  }
}
