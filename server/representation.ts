/** Something that can be served -> an HTTP answer: encoding, validators, range, HEAD, and a body in pieces. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Body, ByteRange } from '../wwz/body.js';
import { formatDigest, wantsDigest } from './digest.js';
import { acceptsGzip, matchesAny, parseRange, rangeApplies, type RangeAnswer } from './conditional.js';

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

/** Answers a GET or HEAD. Ends when nothing more is read from the representation, also because the client left. */
export async function sendRepresentation(exchange: Exchange, what: Representation): Promise<void> {
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
    return;
  }
  headers['Accept-Ranges'] = 'bytes';
  headers['Content-Type'] = what.type;
  if (gzip === undefined && what.digest !== undefined && wantsDigest(headerOf(request, 'want-repr-digest'))) {
    headers['Repr-Digest'] = formatDigest(await what.digest());
  }
  if (range.kind === 'unsatisfiable') {
    headers['Content-Range'] = `bytes */${what.size}`;
    delete headers['Content-Type'];
    response.writeHead(416, headers).end();
    return;
  }
  if (gzip !== undefined) {
    headers['Content-Encoding'] = 'gzip';
    if (gzip.length !== undefined) headers['Content-Length'] = String(gzip.length);
    await sendBody(exchange, { status: 200, headers, body: gzip.body });
  } else if (range.kind === 'part') {
    const { start, end } = range.range;
    headers['Content-Range'] = `bytes ${start}-${end - 1}/${what.size}`;
    headers['Content-Length'] = String(end - start);
    await sendBody(exchange, { status: 206, headers, body: () => what.plain(range.range) });
  } else {
    headers['Content-Length'] = String(what.size);
    await sendBody(exchange, { status: 200, headers, body: () => what.plain() });
  }
}

/** Range is defined for GET only (RFC 9110, 14.2). */
function askedRange(request: IncomingMessage, { tag, size }: { tag: string; size: number }): RangeAnswer {
  const applies = request.method === 'GET' && rangeApplies(headerOf(request, 'if-range'), tag);
  return applies ? parseRange(request.headers.range, size) : { kind: 'whole' };
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: () => Promise<Body>;
}

async function sendBody({ request, response }: Exchange, { status, headers, body }: Answer): Promise<void> {
  if (request.method === 'HEAD') {
    response.writeHead(status, headers).end();
    return;
  }
  // Before the head: what cannot be read at all still becomes an honest status.
  const content = await body();
  response.writeHead(status, headers);
  if (Buffer.isBuffer(content)) {
    response.end(content);
    return;
  }
  await pipeline(Readable.from(content), response);
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
