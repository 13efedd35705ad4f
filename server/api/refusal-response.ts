/** Turns a refusal of any room below HTTP into a response: status, headers and message. Pure. */
import { formatByteCount } from '../../model/byte-count.js';
import { quote, unreachable } from '../../model/result.js';
import type { AccessRefusal } from '../auth/authenticate.js';
import { problem, type HttpResponse } from '../http/response.js';
import type { QuotaRefusal } from '../upload/quota.js';
import type { SlotRefusal } from '../upload/upload-slots.js';
import type { RateRefusal } from '../upload/token-rate.js';
import type { UploadRefusal } from '../upload/upload-refusal.js';

/** Why a complete upload was not stored. */
export type StoreRefusal =
  /** its files are malformed or contradict each other; `reason` is the whole message */
  | { readonly kind: 'invalid-upload'; readonly reason: string }
  /** another file is stored at `path`, below the site */
  | { readonly kind: 'conflict'; readonly path: string }
  /** it says something about its run that the run is not; `reason` is the whole message */
  | { readonly kind: 'contradiction'; readonly reason: string };

/** Returns the response to a refusal. A client can retry after 507, once something was pruned, but not after 413. */
export function refusalResponse(
  refusal: AccessRefusal | RateRefusal | SlotRefusal | UploadRefusal | StoreRefusal,
): HttpResponse {
  switch (refusal.kind) {
    case 'unauthenticated':
      return problem(401, refusal.reason, {
        'WWW-Authenticate': 'Basic realm="soil", charset="UTF-8", Bearer',
      });
    case 'forbidden':
      return problem(403, refusal.reason);
    case 'uploads-in-progress':
      return problem(503, 'cannot accept another upload now: too many are in progress', {
        'Retry-After': '2',
      });
    case 'token-uploads': {
      const message = `cannot accept another upload of token ${quote(refusal.token)} now: ${refusal.max} are in progress`;
      return problem(429, message, { 'Retry-After': '2' });
    }
    case 'token-rate': {
      const { token, perSecond, waitSeconds } = refusal;
      const message = `cannot accept so many requests of token ${quote(token)}: it may send ${perSecond} in a second`;
      return problem(429, message, { 'Retry-After': String(waitSeconds) });
    }
    case 'share-used-up':
    case 'larger-than-quota':
    case 'quota-exceeded':
    case 'reserve-used-up':
    case 'disk-full':
      return quotaResponse(refusal);
    case 'body-too-large':
      return problem(413, `cannot accept the body: it has more than ${refusal.maxBytes} bytes`);
    case 'incomplete':
      return problem(400, `cannot read the ${refusal.what}: the connection closed before its end`);
    case 'malformed-form':
      return problem(400, `cannot read the form: ${refusal.reason}`);
    case 'too-many-parts':
      return problem(413, `cannot accept the form: it has more than ${refusal.max} ${refusal.what}`);
    case 'unnamed-part':
      return problem(400, 'cannot accept the form: one of its parts has no name');
    case 'part-too-large': {
      const { what, name, maxBytes } = refusal;
      return problem(413, `cannot accept ${what} ${quote(name)}: it has more than ${maxBytes} bytes`);
    }
    case 'part-not-understood':
      return problem(
        400,
        `cannot accept the form: its part ${quote(refusal.part)} is not understood; it must have Content-Disposition: form-data with a valid name and file name, and no Content-Transfer-Encoding`,
      );
    case 'digest-refused':
    case 'file-refused':
    case 'invalid-upload':
      return problem(400, refusal.reason);
    case 'contradiction':
      return problem(409, refusal.reason);
    case 'conflict':
      return problem(
        409,
        `cannot store ${quote(refusal.path)}: a different file is stored there, and nothing is overwritten`,
      );
    default:
      return unreachable(refusal);
  }
}

function quotaResponse(refusal: QuotaRefusal): HttpResponse {
  if (refusal.kind === 'share-used-up') {
    const bytes = formatByteCount(refusal.bytes);
    const rule = `its token ${quote(refusal.token)} can use ${formatByteCount(refusal.quotaBytes)} of project ${quote(refusal.project)}`;
    return refusal.bytes > refusal.quotaBytes
      ? problem(413, `cannot store ${bytes}: it can never fit; ${rule}`)
      : problem(
          507,
          `cannot store ${bytes}: ${rule}, and already uses ${formatByteCount(refusal.usedBytes)}`,
        );
  }
  const reserve = `${formatByteCount(refusal.reserveBytes)} is reserved for events and the status API`;
  if (refusal.kind === 'disk-full') {
    const { bytes, freeBytes } = refusal;
    const free = `the disk of the site has ${formatByteCount(freeBytes)} left, of which ${reserve}`;
    return problem(507, `cannot store ${formatByteCount(bytes)}: ${free}`);
  }
  const project = `project ${quote(refusal.project)}`;
  const [used, quota] = [formatByteCount(refusal.usedBytes), formatByteCount(refusal.quotaBytes)];
  const rule = `its quota is ${quota}, of which ${reserve}`;
  switch (refusal.kind) {
    case 'larger-than-quota':
      return problem(
        413,
        `cannot accept ${formatByteCount(refusal.bytes)} for ${project}: it can never fit; ${rule}`,
      );
    case 'quota-exceeded':
      return problem(
        507,
        `cannot store ${formatByteCount(refusal.bytes)} in ${project}: it already uses ${used}; ${rule}`,
      );
    case 'reserve-used-up':
      return problem(507, `cannot store this: ${project} exceeds its quota: it uses ${used} of ${quota}`);
    default:
      return unreachable(refusal);
  }
}
