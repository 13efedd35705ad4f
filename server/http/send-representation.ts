/** Something that can be served -> an HTTP answer: encoding, validators, range, HEAD, and a body in pieces. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Body, ByteRange } from '../../wwz/body.js';
import { formatDigest, wantsDigest } from './digest.js';
import { acceptsGzip, matchesAny, parseRange, rangeApplies, type RangeAnswer } from './request-headers.js';

/** A file, an entry or a page, ready to be sent. */
export interface Representation {
  readonly type: string;
  /** what every answer from its area has */
  readonly headers: Readonly<Record<string, string>>;
  /** changes whenever the content does; letters, digits, `.` and `-` */
  readonly tag: string;
  /** in bytes, as itself */
  readonly size: number;
  /** its bytes, all or a range of them */
  readonly plain: (range?: ByteRange) => Promise<Body>;
  /** SHA-256 of its bytes as themselves, hexadecimal; absent where nobody can tell */
  readonly digest?: () => Promise<string>;
  /** the same as gzip; `length` is absent where it is only known in the end */
  readonly gzip?: { readonly length?: number; readonly body: () => Promise<Body> };
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The whole content as it was sent, in one piece. */
export interface WholeAnswer {
  readonly headers: Readonly<Record<string, string>>;
  /** of a 304 in its place */
  readonly unchangedHeaders: Readonly<Record<string, string>>;
  /** with its quotes */
  readonly tag: string;
  readonly body: Buffer;
}

/**
 * Answers a GET or HEAD. Ends when nothing more is read from the representation, also because the client left. Returns
 * what it sent where another GET without conditions would get the very same.
 */
export async function sendRepresentation(
  exchange: Exchange,
  what: Representation,
): Promise<WholeAnswer | undefined> {
  const { request, response } = exchange;
  const plainTag = `"${what.tag}"`;
  const range = askedRange(request, { tag: plainTag, size: what.size });
  // A range is one of the content itself: a part of a gzip body is of no use to anybody.
  const gzip =
    range.kind === 'whole' && acceptsGzip(headerOf(request, 'accept-encoding')) ? what.gzip : undefined;
  const tag = gzip === undefined ? plainTag : `"${what.tag}-gz"`;
  const headers: Record<string, string> = { ...what.headers, ETag: tag };
  if (what.gzip !== undefined) headers.Vary = 'Accept-Encoding';
  if (matchesAny(request.headers['if-none-match'], tag)) {
    response.writeHead(304, headers).end();
    return undefined;
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
  return { headers, unchangedHeaders, tag, body };
}

/** Range is defined for GET only (RFC 9110, 14.2). */
function askedRange(request: IncomingMessage, { tag, size }: { tag: string; size: number }): RangeAnswer {
  const applies = request.method === 'GET' && rangeApplies(headerOf(request, 'if-range'), tag);
  return applies ? parseRange(request.headers.range, size) : { kind: 'whole' };
}

export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

interface Answer {
  readonly status: number;
  /** gets a Content-Length where it has none and the body turns out to be in one piece */
  readonly headers: Record<string, string>;
  readonly body: () => Promise<Body>;
}

/** Returns the body of a GET that was in one piece. */
async function sendBody(
  { request, response }: Exchange,
  { status, headers, body }: Answer,
): Promise<Buffer | undefined> {
  const isHead = request.method === 'HEAD';
  if (isHead && headers['Content-Length'] !== undefined) {
    response.writeHead(status, headers).end();
    return undefined;
  }
  // Before the head: what cannot be read at all still becomes an honest status.
  const content = await body();
  if (Buffer.isBuffer(content)) {
    headers['Content-Length'] ??= String(content.length);
    response.writeHead(status, headers).end(isHead ? undefined : content);
    return isHead ? undefined : content;
  }
  response.writeHead(status, headers);
  // Pieces that nobody takes are never read.
  if (isHead) response.end();
  else await pipeline(Readable.from(content), response);
  return undefined;
}

/** One sentence as plain text, for everything that is not a file. */
export function sendText(
  { request, response }: Exchange,
  status: number,
  { text, headers = {} }: { readonly text: string; readonly headers?: Readonly<Record<string, string>> },
): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
