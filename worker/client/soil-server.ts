/** A Soil server: its URL, its token, and how requests to it are retried. */
import {
  send,
  sendWithRetries,
  type HttpAnswer,
  type HttpRequest,
  type RequestBody,
  type RetryPolicy,
} from './http-client.js';

export interface SoilService {
  /** ends with a slash */
  readonly url: URL;
  readonly token?: string;
  readonly retries: RetryPolicy;
  /** time limit without a byte in either direction; 60 unless set */
  readonly idleSeconds?: number;
  /** aborts the request in progress, and shortens the time limits of later ones */
  readonly forceCancel?: AbortSignal;
  /** called with the bytes of the body sent so far, and their total */
  readonly progress?: (bytes: number, of: number) => void;
}

/** How long requests are retried: enough for a server that restarts or moves. */
export const defaultLimitSeconds = 120;
/** Retries until the time limit: after about 1, 2, 4, 8, 16 and then every 30 s. */
export const defaultBackoff = { tries: 1000, baseSeconds: 1, maxSeconds: 30, random: Math.random } as const;

/** Returns the time limit of a silent connection to a server that is retried for `limitSeconds`. */
export const planIdleSeconds = (limitSeconds: number): number => Math.min(60, Math.max(5, limitSeconds / 2));

/** The time limit of an upload of any size. */
export const uploadSeconds = 30 * 60;

const forcedIdleSeconds = 5;

const maxAnswerBytes = 100_000;

/** Sends a request with the token of the service. Retries it according to `policy`. */
export function callServer(
  service: SoilService,
  request: Pick<HttpRequest, 'method' | 'url' | 'body'> & { readonly totalSeconds: number },
  policy: RetryPolicy = service.retries,
): Promise<HttpAnswer> {
  const { forceCancel, idleSeconds = 60 } = service;
  // After a second signal the record is still sent, but with short time limits.
  const longestIdle = forceCancel?.aborted === true ? forcedIdleSeconds : Infinity;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (service.token !== undefined) headers.authorization = `Bearer ${service.token}`;
  return sendWithRetries(
    () =>
      send({
        ...request,
        ...{ headers, maxAnswerBytes, idleSeconds: Math.min(idleSeconds, longestIdle) },
        ...(forceCancel?.aborted === false && { cancel: forceCancel }),
        ...(typeof request.body === 'object' && { body: withProgress(request.body, service.progress) }),
      }),
    policy,
  );
}

/** Returns the body with progress reports while it is sent. */
function withProgress(body: RequestBody, progress: SoilService['progress']): RequestBody {
  if (progress === undefined) return body;
  const of = Number(body.headers['content-length']);
  return {
    ...body,
    open: () => {
      const stream = body.open();
      let sent = 0;
      stream.on('data', (chunk: Buffer) => {
        progress((sent += chunk.length), of);
      });
      return stream;
    },
  };
}
