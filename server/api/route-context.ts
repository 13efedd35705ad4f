/** What a route receives: the request, and the project it is for. */
import type { IncomingMessage } from 'node:http';
import { errorMessage } from '../../model/error-message.js';
import type { Result } from '../../model/result.js';
import {
  authenticate,
  checkPermission,
  type AccessPolicy,
  type AccessRefusal,
} from '../auth/authenticate.js';
import type { Permission, StoredToken } from '../auth/token.js';
import type { ServerLimits } from '../config/limits.js';
import type { MetricsAccess } from '../config/metrics-access.js';
import type { Project } from '../config/project.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import type { HttpResponse } from '../http/response.js';
import type { RetentionTimer } from '../retention/retention-timer.js';
import type { Site } from '../site/site.js';
import type { SenderIndex } from '../store/sender-index.js';
import type { QuotaReservation, SiteUsage } from '../upload/quota.js';
import type { TokenRate } from '../upload/token-rate.js';
import type { UploadSlots } from '../upload/upload-slots.js';
import { withReservation } from '../upload/with-reservation.js';
import type { Readiness } from './readiness.js';
import type { Metrics } from './metrics.js';
import { refusalResponse } from './refusal-response.js';

/** What the routes use of a project. Projects share none of it. */
export interface RouteContext {
  readonly project: Project;
  readonly site: Site;
  /** of the site's private folder */
  readonly paths: PrivateFolder;
  readonly usage: SiteUsage;
  readonly limits: ServerLimits;
  readonly access: AccessPolicy;
  readonly metrics: Metrics;
  readonly metricsAccess: MetricsAccess;
  readonly readiness: Readiness;
  /** uploads in progress */
  readonly uploads: UploadSlots;
  /** requests of each token that write to the site */
  readonly rate: TokenRate;
  readonly senders: SenderIndex;
  /** absent if the site has no retention policy */
  readonly retention?: RetentionTimer;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** logs a line for the operator that is not about a request */
  readonly report: (message: string) => void;
}

export interface RouteRequest {
  readonly message: IncomingMessage;
  /** the part of the path after that of the route, still percent-encoded */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** asks a client that waits (`Expect: 100-continue`) to send the body; call it before reading the body */
  readonly sendContinue: () => void;
  /** sets the token's id for the access log */
  readonly setTokenId: (tokenId: string) => void;
}

export type Route = (request: RouteRequest, context: RouteContext) => Promise<HttpResponse>;

/** Returns the token of the sender, if it has the permission. Without `permission`, accepts any valid token. */
export async function authorize(
  { message, setTokenId }: RouteRequest,
  { access, now }: RouteContext,
  permission?: Permission,
): Promise<Result<StoredToken, AccessRefusal>> {
  const token = await authenticate(access, message.headers, now());
  if (!token.ok) return token;
  setTokenId(token.value.id);
  const permitted = permission && checkPermission(token.value, permission);
  return permitted?.ok === false ? permitted : token;
}

export interface UploadOptions {
  /** whose permission was checked */
  readonly token: StoredToken;
  readonly maxBytes: number;
}

/**
 * Takes a slot and reserves space for an upload, and calls `receive` with an empty staging folder. Call it after
 * authorize(): a request without permission must take neither.
 */
export async function receiveUpload(
  { message }: RouteRequest,
  { usage, rate, uploads, paths, metrics }: RouteContext,
  { token, maxBytes }: UploadOptions,
  receive: (folder: string, reservation: QuotaReservation) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const inTime = rate.take(token.id, performance.now() / 1000);
  if (!inTime.ok) return refusalResponse(inTime.error);
  const slot = uploads.take(token.id);
  if (!slot.ok) return refusalResponse(slot.error);
  try {
    const options = { usage, sender: token, staging: paths.staging, maxBytes };
    const response = await withReservation(message, options, receive);
    if (response.ok) return response.value;
    metrics.add('soil_uploads', { result: 'no-room' });
    return refusalResponse(response.error);
  } finally {
    slot.value.release();
  }
}

/**
 * Waits until the pages are written. Never rejects: a failure is logged and counted, since what was stored is not lost.
 */
export async function waitForPages(
  pagesWritten: Promise<void>,
  { metrics, report }: RouteContext,
): Promise<void> {
  try {
    await pagesWritten;
  } catch (error) {
    metrics.add('soil_page_failures');
    report(`cannot write the pages: ${errorMessage(error)}`);
  }
}
