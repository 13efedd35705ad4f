/** A Soil server as the worker sees it: where it is, which token opens it, how long to wait for it. */
import {
  send,
  sendWithRetries,
  type HttpAnswer,
  type HttpRequest,
  type RequestBody,
  type RetryPolicy,
} from './http-client.js';

export interface SoilService {
  /** ends in a slash */
  readonly url: URL;
  readonly token?: string;
  readonly retries: RetryPolicy;
  /** without a byte in either direction; 60 unless set */
  readonly idleSeconds?: number;
  /** aborted when nobody wants to wait for the server any longer: a request that is under way then ends at once */
  readonly forceCancel?: AbortSignal;
  /** hears how much of a body has gone out, and of how much */
  readonly progress?: (bytes: number, of: number) => void;
}

/** A server that is started anew, or moved, is back within two minutes. */
export const defaultLimitSeconds = 120;
/** As often as the limit allows: after 1, 2, 4, 8, 16 and then every 30 s, more or less. */
export const defaultRetries = { tries: 1000, baseSeconds: 1, maxSeconds: 30, random: Math.random } as const;

/** How long a silent connection is believed in, where the server is tried for `limitSeconds`. */
export const planIdle = (limitSeconds: number): number => Math.min(60, Math.max(5, limitSeconds / 2));

/** An upload may take this long, whatever its size. */
export const uploadSeconds = 30 * 60;

const hurriedSeconds = 5;

const maxAnswerBytes = 100_000;

/** A request to the server with its token; as often as its policy says. */
export function ask(
  service: SoilService,
  request: Pick<HttpRequest, 'method' | 'url' | 'body'> & { readonly totalSeconds: number },
  policy: RetryPolicy = service.retries,
): Promise<HttpAnswer> {
  const { forceCancel, idleSeconds = 60 } = service;
  // Who was in a hurry before the job ended still wants its record to arrive, if that takes but a moment.
  const patience = forceCancel?.aborted === true ? hurriedSeconds : Infinity;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (service.token !== undefined) headers.authorization = `Bearer ${service.token}`;
  return sendWithRetries(
    () =>
      send({
        ...request,
        ...{ headers, maxAnswerBytes, idleSeconds: Math.min(idleSeconds, patience) },
        ...(forceCancel?.aborted === false && { cancel: forceCancel }),
        ...(typeof request.body === 'object' && { body: counted(request.body, service.progress) }),
      }),
    policy,
  );
}

/** The same body, with somebody who hears how far it is. */
function counted(body: RequestBody, progress: SoilService['progress']): RequestBody {
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
