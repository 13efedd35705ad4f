/** The worker's HTTP client. Sends a request with a limit on every wait, once or with retries. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { planPause, type Backoff } from '../../model/backoff.js';

/** A request's body. `open` is called once for each try. */
export interface RequestBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly open: () => Readable;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | string;
  /** time limit without a byte in either direction */
  readonly idleSeconds: number;
  /** time limit of the whole exchange */
  readonly totalSeconds: number;
  /** a longer answer is a failure */
  readonly maxAnswerBytes: number;
  readonly cancel?: AbortSignal;
}

/** `failure`: no complete answer. The reason is safe to show, since URLs never contain a credential. */
export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string; readonly retryAfter?: string }
  | { readonly kind: 'failure'; readonly reason: string };

export const isSuccess = (answer: HttpAnswer): answer is HttpAnswer & { kind: 'answer' } =>
  answer.kind === 'answer' && answer.status >= 200 && answer.status < 300;

/** Sends one request. Never throws. Does not follow redirects, because the token must not reach another server. */
export function send(options: HttpRequest): Promise<HttpAnswer> {
  const { url, method, body, cancel } = options;
  return new Promise((resolve) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const bodyHeaders =
      typeof body === 'string'
        ? { 'content-length': String(Buffer.byteLength(body)) }
        : body && { ...body.headers, expect: '100-continue' };
    const request = start(url, {
      method,
      headers: { 'user-agent': 'soil-worker', ...options.headers, ...bodyHeaders },
      ...(cancel !== undefined && { signal: cancel }),
    });
    const end = (answer: HttpAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
      request.destroy();
    };
    const fail = (reason: string): void => {
      end({ kind: 'failure', reason });
    };
    const timer = setTimeout(() => {
      fail(`no complete answer within ${options.totalSeconds} s`);
    }, options.totalSeconds * 1000);
    request.setTimeout(options.idleSeconds * 1000, () => {
      fail(`no data in either direction for ${options.idleSeconds} s`);
    });
    request.on('response', (response) => {
      readAnswer(response, options.maxAnswerBytes).then(end, (error: unknown) => {
        fail(describeFailure(error));
      });
    });
    request.on('error', (error) => {
      fail(cancel?.aborted === true ? 'cancelled' : describeFailure(error));
    });
    if (body === undefined || typeof body === 'string') request.end(body);
    else sendAfterContinue(request, body);
  });
}

/** When to send the body to a server that ignores `Expect`. */
const withoutContinueMilliseconds = 1000;
/** Some servers send `100 Continue` before they read the headers, and refuse the request a moment later. */
const afterContinueMilliseconds = 30;

/**
 * Sends the body after the server's `100 Continue` (RFC 9110, 10.1.1). A server that refuses a request closes the
 * connection without reading the body; a client that is still writing then gets `EPIPE` instead of the reason.
 */
function sendAfterContinue(request: ClientRequest, body: RequestBody): void {
  let timer = setTimeout(begin, withoutContinueMilliseconds);
  request.on('continue', () => {
    clearTimeout(timer);
    timer = setTimeout(begin, afterContinueMilliseconds);
  });
  for (const event of ['response', 'close'] as const) {
    request.on(event, () => {
      clearTimeout(timer);
    });
  }
  request.flushHeaders();

  function begin(): void {
    // The request reports errors of the pipeline, too.
    pipeline(body.open(), request, () => undefined);
  }
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return { kind: 'failure', reason: `the answer is longer than ${maxBytes} bytes` };
    chunks.push(chunk);
  }
  const retryAfter = response.headers['retry-after'];
  return {
    ...{ kind: 'answer', status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() },
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

/** Returns the reason for a failed request on one line. */
export function describeFailure(error: unknown): string {
  // When a host name has several addresses, the error has no message but an error for each address.
  if (error instanceof AggregateError) return error.errors.map(describeFailure).join('; ');
  if (!(error instanceof Error)) return String(error);
  // OpenSSL's message consists of numbers, a path in its source and a line break.
  if (/ssl.*wrong version number/is.test(error.message)) {
    return 'it does not speak TLS: should its URL start with http:// instead of https://?';
  }
  return error.message.replace(/\s+/g, ' ').trim();
}

/** Says in one line why fetch() failed: its own error says only that it did, and has the reason as its cause. */
export function describeFetchError(error: unknown): string {
  return describeFailure(error instanceof Error ? (error.cause ?? error) : error);
}

export interface RetryPolicy extends Backoff {
  /** the first try included */
  readonly tries: number;
  /** the last try begins at most this long after the first; unlimited unless set */
  readonly limitSeconds?: number;
  /** is called before each pause with the reason for it */
  readonly notice: (text: string) => void;
  /** ends a pause; a try that has begun continues */
  readonly cancel?: AbortSignal;
}

/** Retries after a failure that may be temporary: no complete answer, 429, 5xx. Returns the last answer. */
export async function sendWithRetries(
  attempt: () => Promise<HttpAnswer>,
  policy: RetryPolicy,
): Promise<HttpAnswer> {
  const end = performance.now() / 1000 + (policy.limitSeconds ?? Infinity);
  for (let n = 1; ; n++) {
    const answer = await attempt();
    if (n >= policy.tries || !isTemporary(answer) || policy.cancel?.aborted === true) return answer;
    const left = end - performance.now() / 1000;
    if (left <= 0) return answer;
    const pause = Math.min(left, planRetryPause(answer, n, policy));
    policy.notice(`${describeAnswer(answer)}; retrying in ${pause.toFixed(1)} s`);
    try {
      await wait(pause * 1000, undefined, policy.cancel && { signal: policy.cancel });
    } catch {
      return answer; // cancelled
    }
  }
}

const isTemporary = (answer: HttpAnswer): boolean =>
  answer.kind === 'failure' || answer.status === 429 || answer.status >= 500;

/** Returns the seconds before the next try: the server's Retry-After, or else a backoff; at most `maxSeconds`. */
export function planRetryPause(answer: HttpAnswer, failed: number, backoff: Backoff): number {
  const header = answer.kind === 'answer' ? answer.retryAfter : undefined;
  if (header !== undefined && /^\d{1,6}$/.test(header)) return Math.min(backoff.maxSeconds, Number(header));
  return Math.min(backoff.maxSeconds, planPause(failed, backoff));
}

/** Describes an unsuccessful answer: the status, and the server's message if it has one. */
export function describeAnswer(answer: HttpAnswer): string {
  if (answer.kind === 'failure') return answer.reason;
  if (answer.status >= 300 && answer.status < 400)
    return `status ${answer.status}: redirects are not followed`;
  const message = parseErrorText(answer.text);
  return `status ${answer.status}${message === undefined ? '' : `: ${message}`}`;
}

/** Returns the message of an error: from Soil's or GitHub's JSON, or the first line of plain text. */
function parseErrorText(text: string): string | undefined {
  try {
    const json = JSON.parse(text) as { readonly error?: unknown; readonly message?: unknown } | null;
    const message = json?.error ?? json?.message;
    if (typeof message === 'string') return message.slice(0, 1000);
  } catch {
    // A proxy can answer with a page.
  }
  const line = text.trim().split('\n')[0] ?? '';
  return line === '' || line.startsWith('<') ? undefined : line.slice(0, 300);
}
