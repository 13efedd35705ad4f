/** Refuses request bodies that the server would store as something else than what their headers say. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import { quote } from '../../model/result.js';
import { problem, type HttpResponse } from './response.js';

/**
 * Returns the refusal of a body that is a part of a whole, compressed, or has a digest of a form that the server cannot
 * verify. Content-Digest and Repr-Digest are verified while the body is read, see server/upload/body-digest.ts.
 */
export function refuseBodyHeaders(headers: IncomingHttpHeaders): HttpResponse | undefined {
  const range = headers['content-range'];
  if (range !== undefined) {
    return problem(400, `cannot accept Content-Range ${quote(range)}: send the whole body in one request`);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    return problem(
      415,
      `cannot accept Content-Encoding ${quote(encoding)}: send the body without an encoding`,
      {
        'Accept-Encoding': 'identity',
      },
    );
  }
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && transfer.trim().toLowerCase() !== 'chunked') {
    return problem(501, `cannot accept Transfer-Encoding ${quote(transfer)}: it must be chunked`);
  }
  for (const name of ['content-md5', 'digest']) {
    const value = headers[name];
    if (value !== undefined) {
      const shown = quote(Array.isArray(value) ? value.join(', ') : value);
      return problem(400, `cannot verify the digest ${shown}: send Content-Digest with sha-256 instead`);
    }
  }
  return undefined;
}
