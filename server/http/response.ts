/** Responses that are not files, and the function that sends them: JSON or plain text, by `Accept`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { quote } from '../../model/result.js';
import { plainText } from './content-type.js';

/** A request and its response, as node passes them to a server. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Headers = Readonly<Record<string, string>>;

export type HttpResponse =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly json: Readonly<Record<string, unknown>>;
      readonly headers?: Headers;
    }
  | {
      readonly kind: 'text';
      readonly status: number;
      readonly text: string;
      /** absent: plain text */
      readonly type?: string;
      readonly headers?: Headers;
    }
  | {
      /** JSON with the key `error`, or plain text; `message` says what failed, quotes the value and gives the reason */
      readonly kind: 'problem';
      readonly status: number;
      readonly message: string;
      readonly headers?: Headers;
    };

export const json = (status: number, value: Readonly<Record<string, unknown>>): HttpResponse => ({
  kind: 'json',
  status,
  json: value,
});

export const text = (
  status: number,
  body: string,
  more: { readonly type?: string; readonly headers?: Headers } = {},
): HttpResponse => ({ kind: 'text', status, text: body, ...more });

export const problem = (status: number, message: string, headers: Headers = {}): HttpResponse => ({
  kind: 'problem',
  status,
  message,
  headers,
});

/** Returns the response to a method that a path does not support. */
export const wrongMethod = (method: string | undefined, allowed: string): HttpResponse =>
  problem(405, `cannot accept method ${quote(method ?? '', 20)}: it must be ${allowed}`, { Allow: allowed });

/** Returns the response to an error of the disk or a bug. A client can retry 503, and 507 once there is space. */
export function errorResponse(error: unknown): HttpResponse {
  const { code: name = '', errno } = error as NodeJS.ErrnoException;
  // libuv has no name for EDQUOT, 122 on Linux: its code reads `Unknown system error -122`.
  const code = errno === -122 ? 'EDQUOT' : name;
  switch (code) {
    case 'ENOSPC':
      return problem(507, 'cannot store this: the disk of the site is full (ENOSPC)');
    case 'EDQUOT':
      return problem(507, "cannot store this: the server's user has exceeded its disk quota (EDQUOT)");
    case 'EROFS':
      // Linux remounts a file system read-only after an error; an operator remounts it.
      return problem(503, 'cannot store this: the file system of the site is read-only (EROFS)', {
        'Retry-After': '60',
      });
    case 'EACCES':
    case 'EPERM':
      return problem(500, `cannot store this: the server has no permission to write to the site (${code})`);
    case 'EIO':
      return problem(500, 'cannot store this: I/O error on the disk of the site (EIO)');
    case 'EMFILE':
    case 'ENFILE':
      return problem(503, 'cannot store this: too many open files', { 'Retry-After': '5' });
    default:
      return problem(500, 'cannot respond to this request: internal server error');
  }
}

/** Sends a response, even if the request has not been read to its end. */
export function sendResponse({ request, response: output }: HttpExchange, response: HttpResponse): void {
  const { body, type } = bodyOf(response, request.headers.accept);
  output.writeHead(response.status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...response.headers,
  });
  output.end(request.method === 'HEAD' ? undefined : body);
}

function bodyOf(
  response: HttpResponse,
  accept: string | undefined,
): { readonly body: string; readonly type: string } {
  switch (response.kind) {
    case 'json':
      return { body: `${JSON.stringify(response.json)}\n`, type: 'application/json' };
    case 'text':
      return { body: response.text, type: response.type ?? plainText };
    case 'problem':
      return wantsJson(accept)
        ? { body: `${JSON.stringify({ error: response.message })}\n`, type: 'application/json' }
        : { body: `${response.message}\n`, type: plainText };
  }
}

/** Reports whether a client prefers JSON to plain text: always, unless it accepts text and not JSON. */
export function wantsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.includes('application/json')) return true;
  return !accept.includes('text/');
}
