/** HTTP as the worker speaks it: one request with limits on every wait, or several tries of it; an answer or a reason out. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

/** What a request sends. `open` is called once for each try. */
export interface RequestBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly open: () => Readable;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | string;
  /** without a byte in either direction */
  readonly idleSeconds: number;
  /** of the whole exchange */
  readonly totalSeconds: number;
  /** an answer that is longer is no answer */
  readonly maxAnswerBytes: number;
  readonly cancel?: AbortSignal;
}

/** `trouble`: there was no whole answer; `url` never holds a credential, so the reason may be shown. */
export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string; readonly retryAfter?: string }
  | { readonly kind: 'trouble'; readonly reason: string };

export const isSuccess = (answer: HttpAnswer): answer is HttpAnswer & { kind: 'answer' } =>
  answer.kind === 'answer' && answer.status >= 200 && answer.status < 300;

/** One exchange. Redirects are not followed: a token must not go where nobody sent it. Never throws. */
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
    const trouble = (reason: string): void => {
      end({ kind: 'trouble', reason });
    };
    const timer = setTimeout(() => {
      trouble(`no whole answer within ${options.totalSeconds} s`);
    }, options.totalSeconds * 1000);
    request.setTimeout(options.idleSeconds * 1000, () => {
      trouble(`nothing came or went for ${options.idleSeconds} s`);
    });
    request.on('response', (response) => {
      readAnswer(response, options.maxAnswerBytes).then(end, (error: unknown) => {
        trouble(describeFailure(error));
      });
    });
    request.on('error', (error) => {
      trouble(cancel?.aborted === true ? 'it was cancelled' : describeFailure(error));
    });
    if (body === undefined || typeof body === 'string') request.end(body);
    else sendWhenAsked(request, body);
  });
}

/** A server that knows no `Expect` is sent the body after this. */
const unaskedMilliseconds = 1000;
/** Some servers say `100 Continue` before they have looked at the request, and refuse it a moment later. */
const secondThoughtMilliseconds = 30;

/**
 * The body goes out when the server says `100 Continue` (RFC 9110, 10.1.1). A server that refuses a request closes the
 * connection without reading the body; a worker that was still writing saw `EPIPE` where the reason should have been.
 */
function sendWhenAsked(request: ClientRequest, body: RequestBody): void {
  let timer = setTimeout(begin, unaskedMilliseconds);
  request.on('continue', () => {
    clearTimeout(timer);
    timer = setTimeout(begin, secondThoughtMilliseconds);
  });
  for (const event of ['response', 'close'] as const) {
    request.on(event, () => {
      clearTimeout(timer);
    });
  }
  request.flushHeaders();

  function begin(): void {
    // What breaks the pipe reaches the request as its error.
    pipeline(body.open(), request, () => undefined);
  }
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return { kind: 'trouble', reason: `the answer is longer than ${maxBytes} bytes` };
    chunks.push(chunk);
  }
  const retryAfter = response.headers['retry-after'];
  return {
    ...{ kind: 'answer', status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() },
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

/** A refused connection to a name with several addresses has no message of its own. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describeFailure).join('; ');
  if (!(error instanceof Error)) return String(error);
  // OpenSSL's own words are a line of numbers and a path of its source, and a line break.
  if (/ssl.*wrong version number/is.test(error.message)) {
    return 'it does not speak TLS: is its address http:// in place of https://?';
  }
  return error.message.replace(/\s+/g, ' ').trim();
}

export interface RetryPolicy {
  /** the first try counts */
  readonly tries: number;
  /** no try begins later than this after the first; absent: whenever */
  readonly limitSeconds?: number;
  /** before the second try; doubled for each further one, and spread by a half up or down */
  readonly baseSeconds: number;
  readonly maxSeconds: number;
  readonly random: () => number;
  /** hears of each try that failed and will be repeated */
  readonly notice: (text: string) => void;
  /** ends the waiting between two tries; a try that has begun goes on */
  readonly cancel?: AbortSignal;
}

/** Tries again after what another try can mend: no whole answer, 429, 5xx. The last answer stands. */
export async function sendWithRetries(
  attempt: () => Promise<HttpAnswer>,
  policy: RetryPolicy,
): Promise<HttpAnswer> {
  const end = performance.now() / 1000 + (policy.limitSeconds ?? Infinity);
  for (let n = 1; ; n++) {
    const answer = await attempt();
    if (n >= policy.tries || !mayMend(answer) || policy.cancel?.aborted === true) return answer;
    const left = end - performance.now() / 1000;
    if (left <= 0) return answer;
    const pause = Math.min(left, planPause(answer, n, policy));
    policy.notice(`${describeAnswer(answer)}; trying again in ${pause.toFixed(1)} s`);
    try {
      await wait(pause * 1000, undefined, policy.cancel && { signal: policy.cancel });
    } catch {
      return answer; // cancelled
    }
  }
}

const mayMend = (answer: HttpAnswer): boolean =>
  answer.kind === 'trouble' || answer.status === 429 || answer.status >= 500;

/** Seconds before the next try: what the server asks for, or twice as long each time, so that workers do not march in step. */
export function planPause(
  answer: HttpAnswer,
  failed: number,
  { baseSeconds, maxSeconds, random }: Pick<RetryPolicy, 'baseSeconds' | 'maxSeconds' | 'random'>,
): number {
  const asked = answer.kind === 'answer' ? answer.retryAfter : undefined;
  if (asked !== undefined && /^\d{1,6}$/.test(asked)) return Math.min(maxSeconds, Number(asked));
  return Math.min(maxSeconds, baseSeconds * 2 ** (failed - 1) * (0.5 + random()));
}

/** An answer that is no success, in a few words: the server's own sentence where it has one. */
export function describeAnswer(answer: HttpAnswer): string {
  if (answer.kind === 'trouble') return answer.reason;
  if (answer.status >= 300 && answer.status < 400)
    return `status ${answer.status}: redirects are not followed`;
  const sentence = errorOf(answer.text);
  return `status ${answer.status}${sentence === undefined ? '' : `: ${sentence}`}`;
}

function errorOf(text: string): string | undefined {
  try {
    const json = JSON.parse(text) as { readonly error?: unknown; readonly message?: unknown } | null;
    const sentence = json?.error ?? json?.message;
    if (typeof sentence === 'string') return sentence.slice(0, 1000);
  } catch {
    // A proxy in between answers with its own page.
  }
  const line = text.trim().split('\n')[0] ?? '';
  return line === '' || line.startsWith('<') ? undefined : line.slice(0, 300);
}
