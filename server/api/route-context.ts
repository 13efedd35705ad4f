/** What every route may use, and what it gets of a request. */
import type { IncomingMessage } from 'node:http';
import type { HttpResponse } from '../http/response.js';
import { problem } from '../http/response.js';
import { authenticate, type Guard } from '../auth/authenticate.js';
import type { ServerLimits } from '../config/limits.js';
import type { Metrics } from './metrics.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import type { Project } from '../config/project.js';
import type { RetentionTimer } from '../retention/retention-timer.js';
import type { Site } from '../site/site.js';
import type { SiteUsage } from '../upload/quota.js';
import type { ReservationOptions } from '../upload/with-reservation.js';
import { permits, type StoredToken, type Permission } from '../auth/token.js';
import { errorMessage } from '../../model/error-message.js';

/** Of one project: nothing in it is another's. */
export interface RouteContext {
  readonly project: Project;
  readonly site: Site;
  /** of the site */
  readonly paths: PrivateFolder;
  readonly usage: SiteUsage;
  readonly limits: ServerLimits;
  readonly guard: Guard;
  readonly metrics: Metrics;
  /** under way now */
  readonly uploads: { count: number };
  /** absent where the site keeps everything */
  readonly retention?: RetentionTimer;
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
  readonly sendContinue: () => void;
  /** tells the log who asked */
  readonly setTokenId: (tokenId: string) => void;
}

export type Route = (call: Call, context: RouteContext) => Promise<HttpResponse>;

export type Authorization =
  { readonly ok: true; readonly token: StoredToken } | { readonly ok: false; readonly answer: HttpResponse };

/** Who asks, and whether they may: 401 without a good token, 403 with one that lacks the right. No wish: who is enough. */
export async function authorize(
  { request, setTokenId }: Call,
  { guard, now }: RouteContext,
  wish?: Permission,
): Promise<Authorization> {
  const identified = await authenticate(guard, request.headers, now());
  if (!identified.ok) return identified;
  setTokenId(identified.token.id);
  const refused = wish && forbid(identified.token, wish);
  return refused === undefined ? identified : { ok: false, answer: refused };
}

/** The 403 for a wish that a token does not permit. */
export function forbid(token: StoredToken, wish: Permission): HttpResponse | undefined {
  const permitted = permits(token, wish);
  return permitted.ok ? undefined : problem(403, permitted.error);
}

/** Waits for the pages; when they cannot be written now, what was stored is stored all the same. */
export async function afterPages(shown: Promise<void>, { metrics, report }: RouteContext): Promise<void> {
  try {
    await shown;
  } catch (error) {
    metrics.add('soil_page_failures');
    report(`cannot write the pages: ${errorMessage(error)}`);
  }
}

/** How an upload of at most `maxBytes` reserves its space in a project. */
export const reservationOf = (
  { usage, paths, metrics }: RouteContext,
  maxBytes: number,
): ReservationOptions => ({
  ...{ usage, staging: paths.staging, maxBytes },
  noRoom: () => {
    metrics.add('soil_uploads', { result: 'no-room' });
  },
});
