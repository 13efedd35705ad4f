/** A response in memory: its head in the form that node takes, its body, and the file it was read from. */
import type { ServerResponse } from 'node:http';
import { fileIdentity } from '../../wwz/open.js';
import { evaluateConditions } from '../http/request-headers.js';
import { sendResponse, type HttpExchange } from '../http/response.js';
import { conditionFailed, type WholeResponse } from '../http/send-representation.js';
import { isStable, statFile, type FileStamp } from './file-stamp.js';

/** Where a response came from. */
export interface ResponseSource {
  /** the path that the request named: below the site's root, symlinks not resolved */
  readonly file: string;
  /** of the file when the response was read from it */
  readonly identity: string;
  /** when the whole path was checked, including symlinks; on the clock of the cache */
  readonly checked: number;
}

export interface CachedResponse {
  readonly file: string;
  readonly stamp: FileStamp;
  readonly checked: number;
  readonly tag: string;
  readonly modified: number;
  /** alternating names and values; the last value is the request's id, set for each request */
  readonly head: string[];
  readonly unchangedHead: string[];
  readonly body: string | Buffer;
  /** memory in use */
  readonly bytes: number;
  /** the turn of the event loop in which its file was last checked */
  turn: number;
  /** since eviction last skipped it */
  isUsed: boolean;
}

/** A body up to this size is a latin1 string: node sends it together with the head, in one write. */
const stringBytes = 15_000;

/** Memory of an entry without its body: head, stamp, and its place in the table. */
const overheadBytes = 2000;

/** Returns an entry for a response that was just sent; undefined if its file has changed since, or may still change. */
export function cacheResponse(
  path: string,
  { body, tag, modified, headers, unchangedHeaders }: WholeResponse,
  { file, identity, checked }: ResponseSource,
): CachedResponse | undefined {
  const stamp = statFile(file);
  if (stamp === undefined || fileIdentity(stamp) !== identity || !isStable(stamp)) return undefined;
  return {
    ...{ file, stamp, checked, tag, modified },
    head: rawHead(headers),
    unchangedHead: rawHead(unchangedHeaders),
    // A copy: the buffer may be a part of a larger one.
    body: body.length <= stringBytes ? body.toString('latin1') : Buffer.concat([body]),
    bytes: body.length + 2 * path.length + overheadBytes,
    turn: -1,
    isUsed: false,
  };
}

/** Sends a response to a GET or HEAD, or what its conditions ask for: 304 or 412. */
export function sendCached(cached: CachedResponse, exchange: HttpExchange, id: string): void {
  const { request, response } = exchange;
  switch (evaluateConditions(request, cached)) {
    case 'unchanged':
      response.writeHead(304, withId(cached.unchangedHead, id)).end();
      return;
    case 'failed':
      response.setHeader('X-Request-Id', id);
      sendResponse(exchange, conditionFailed);
      return;
    case 'proceed':
  }
  response.writeHead(200, withId(cached.head, id));
  if (request.method === 'HEAD') response.end();
  else if (typeof cached.body === 'string') endInOneWrite(response, cached.body);
  else response.end(cached.body);
}

function rawHead(headers: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(headers).flat(), 'X-Request-Id', ''];
}

/** Sends head and body as one string. end() with a body would make the socket join three pieces. */
function endInOneWrite(response: ServerResponse, body: string): void {
  // There is no socket while the response to an earlier request of the connection is being sent.
  const { socket } = response;
  // A socket that is corked already is not corked again until the end of the turn.
  socket?.cork();
  response.write(body, 'latin1');
  socket?.uncork();
  response.end();
}

/** Node formats the head immediately, so that the next request can reuse the list. */
function withId(head: string[], id: string): string[] {
  head[head.length - 1] = id;
  return head;
}
