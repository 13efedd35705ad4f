/** Sends a file, an entry of a wwz or a listing: encoding, validators, range, HEAD, and a body in pieces. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Body, ByteRange } from '../../wwz/body.js';
import { formatDigest, wantsDigest } from './digest.js';
import {
  acceptsGzip,
  evaluateConditions,
  formatHttpDate,
  headerOf,
  parseRange,
  rangeApplies,
  type RangeSelection,
} from './request-headers.js';
import { problem, sendResponse, type HttpExchange } from './response.js';

/** Something that can be sent (RFC 9110, 3.2). */
export interface Representation {
  readonly type: string;
  /** headers of every response from its area of the site */
  readonly headers: Readonly<Record<string, string>>;
  /** changes when the content does; letters, digits, `.` and `-` */
  readonly tag: string;
  /** when it last changed, in whole seconds since 1970 */
  readonly modified: number;
  /** in bytes, without an encoding */
  readonly size: number;
  /** reads its bytes, or a range of them */
  readonly plain: (range?: ByteRange) => Promise<Body>;
  /** returns the SHA-256 of its bytes, hexadecimal; absent where it is unknown */
  readonly digest?: () => Promise<string>;
  /** the same as gzip; `length` is absent if it is only known when the body ends */
  readonly gzip?: { readonly length?: number; readonly body: () => Promise<Body> };
}

/** A complete response whose body was in one piece. */
export interface WholeResponse {
  readonly headers: Readonly<Record<string, string>>;
  /** headers of a 304 for the same content */
  readonly unchangedHeaders: Readonly<Record<string, string>>;
  /** with its quotes */
  readonly tag: string;
  readonly modified: number;
  readonly body: Buffer;
}

/** The response to a request whose If-Match or If-Unmodified-Since is not fulfilled. */
export const conditionFailed = problem(
  412,
  'cannot send this: it is not what If-Match or If-Unmodified-Since names',
);

/**
 * Responds to a GET or HEAD. Resolves or rejects when nothing more is read from the representation; a client may
 * disconnect before the end. Returns the response if every GET without conditions gets the same.
 */
export async function sendRepresentation(
  exchange: HttpExchange,
  what: Representation,
): Promise<WholeResponse | undefined> {
  const { request, response } = exchange;
  const plainTag = `"${what.tag}"`;
  const range = selectRange(request, { tag: plainTag, size: what.size });
  // A range selects bytes of the content itself: a part of a gzip body is of no use.
  const gzip =
    range.kind === 'whole' && acceptsGzip(headerOf(request, 'accept-encoding')) ? what.gzip : undefined;
  const tag = gzip === undefined ? plainTag : `"${what.tag}-gz"`;
  const { modified } = what;
  const headers: Record<string, string> = {
    ...what.headers,
    ETag: tag,
    'Last-Modified': formatHttpDate(modified),
  };
  if (what.gzip !== undefined) headers.Vary = 'Accept-Encoding';
  switch (evaluateConditions(request, { tag, modified })) {
    case 'unchanged':
      response.writeHead(304, headers).end();
      return undefined;
    case 'failed':
      sendResponse(exchange, conditionFailed);
      return undefined;
    case 'proceed':
  }
  const unchangedHeaders = { ...headers };
  headers['Accept-Ranges'] = 'bytes';
  headers['Content-Type'] = what.type;
  if (gzip === undefined && what.digest !== undefined && wantsDigest(headerOf(request, 'want-repr-digest'))) {
    headers['Repr-Digest'] = formatDigest(await what.digest());
  }
  if (range.kind === 'unsatisfiable') {
    headers['Content-Range'] = `bytes */${what.size}`;
    delete headers['Content-Type'];
    response.writeHead(416, headers).end();
    return undefined;
  }
  if (range.kind === 'part') {
    const { start, end } = range.range;
    headers['Content-Range'] = `bytes ${start}-${end - 1}/${what.size}`;
    headers['Content-Length'] = String(end - start);
    await sendBody(exchange, { status: 206, headers, body: () => what.plain(range.range) });
    return undefined;
  }
  if (gzip !== undefined) headers['Content-Encoding'] = 'gzip';
  const length = gzip === undefined ? what.size : gzip.length;
  if (length !== undefined) headers['Content-Length'] = String(length);
  const body = await sendBody(exchange, { status: 200, headers, body: gzip?.body ?? (() => what.plain()) });
  if (body === undefined || headers['Repr-Digest'] !== undefined) return undefined;
  return { headers, unchangedHeaders, tag, modified, body };
}

/** Range is defined for GET only (RFC 9110, 14.2). */
function selectRange(request: IncomingMessage, { tag, size }: { tag: string; size: number }): RangeSelection {
  const applies = request.method === 'GET' && rangeApplies(headerOf(request, 'if-range'), tag);
  return applies ? parseRange(request.headers.range, size) : { kind: 'whole' };
}

interface StreamedResponse {
  readonly status: number;
  /** gets a Content-Length if it has none and the body is in one piece */
  readonly headers: Record<string, string>;
  readonly body: () => Promise<Body>;
}

/** Returns the body, if it was sent in one piece. */
async function sendBody(
  { request, response }: HttpExchange,
  { status, headers, body }: StreamedResponse,
): Promise<Buffer | undefined> {
  const isHead = request.method === 'HEAD';
  if (isHead && headers['Content-Length'] !== undefined) {
    response.writeHead(status, headers).end();
    return undefined;
  }
  // Before the head is sent: if the body cannot be read, the client still gets a 500.
  const content = await body();
  if (Buffer.isBuffer(content)) {
    headers['Content-Length'] ??= String(content.length);
    response.writeHead(status, headers).end(isHead ? undefined : content);
    return isHead ? undefined : content;
  }
  response.writeHead(status, headers);
  // Without a reader, no piece is read.
  if (isHead) response.end();
  else await pipeline(Readable.from(content), response);
  return undefined;
}
