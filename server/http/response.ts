/** What a route answers: status, headers and a sentence or data -> bytes, as JSON or plain text by `Accept`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { quote } from '../../model/result.js';

export type HttpResponse =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly json: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'text';
      readonly status: number;
      readonly text: string;
      readonly type?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      /** one sentence that says what was refused, the value in quotes, and why */
      readonly kind: 'problem';
      readonly status: number;
      readonly sentence: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export const json = (status: number, value: Readonly<Record<string, unknown>>): HttpResponse => ({
  kind: 'json',
  status,
  json: value,
});
export const text = (status: number, lines: string): HttpResponse => ({ kind: 'text', status, text: lines });
export const problem = (
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse => ({ kind: 'problem', status, sentence, headers });

/** An error of the disk or of our own -> an answer that a client can act on: 507 is worth a later try, 503 too. */
export function errorResponse(error: unknown): HttpResponse {
  const { code: named = '', errno } = error as NodeJS.ErrnoException;
  // libuv has no name for EDQUOT, 122 on Linux: its code reads `Unknown system error -122`.
  const code = errno === -122 ? 'EDQUOT' : named;
  switch (code) {
    case 'ENOSPC':
      return problem(507, 'cannot store this: the disk of the site is full (ENOSPC)');
    case 'EDQUOT':
      return problem(507, "cannot store this: the disk's quota of the server's user is used up (EDQUOT)");
    case 'EROFS':
      // A file system that met an error is remounted so; an operator brings it back.
      return problem(503, 'cannot store this: the file system of the site is read-only (EROFS)', {
        'Retry-After': '60',
      });
    case 'EACCES':
    case 'EPERM':
      return problem(500, `cannot store this: the server has no right to write the site (${code})`);
    case 'EIO':
      return problem(500, 'cannot store this: the disk of the site fails (EIO)');
    case 'EMFILE':
    case 'ENFILE':
      return problem(503, 'cannot store this: too many files are open', { 'Retry-After': '5' });
    default:
      return problem(500, 'cannot do this: something is wrong on the server');
  }
}

/** Whether a client would rather have JSON than plain text: unless it asks for text and not for JSON. */
export function wantsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.includes('application/json')) return true;
  return !accept.includes('text/');
}

/** Sends it, perhaps before the request was read to its end. */
export function sendResponse(answer: HttpResponse, request: IncomingMessage, response: ServerResponse): void {
  const { body, type } = bodyOf(answer, request.headers.accept);
  response.writeHead(answer.status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function bodyOf(
  answer: HttpResponse,
  accept: string | undefined,
): { readonly body: string; readonly type: string } {
  const plain = 'text/plain; charset=utf-8';
  switch (answer.kind) {
    case 'json':
      return { body: `${JSON.stringify(answer.json)}\n`, type: 'application/json' };
    case 'text':
      return { body: answer.text, type: answer.type ?? plain };
    case 'problem':
      return wantsJson(accept)
        ? { body: `${JSON.stringify({ error: answer.sentence })}\n`, type: 'application/json' }
        : { body: `${answer.sentence}\n`, type: plain };
  }
}

/** The answer to a method that a route does not have. */
export const wrongMethod = (method: string | undefined, allowed: string): HttpResponse =>
  problem(405, `cannot ${quote(method ?? '', 20)} here: it must be ${allowed}`, { Allow: allowed });
