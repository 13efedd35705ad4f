/** A Soil server as the worker sees it: where it is, which token opens it, how long to wait for it. */
import { send, sendWithRetries, type HttpAnswer, type HttpRequest, type RetryPolicy } from './client.js';

export interface SoilService {
  /** ends in a slash */
  readonly url: URL;
  readonly token?: string;
  readonly retries: RetryPolicy;
}

/** Five tries within about 15 s of waiting, unless the server asks for more. */
export const defaultRetries = { tries: 5, baseSeconds: 1, maxSeconds: 60, random: Math.random } as const;

/** An upload may take this long, whatever its size. */
export const uploadSeconds = 30 * 60;

const idleSeconds = 60;
const maxAnswerBytes = 100_000;

/** A request to the server with its token; as often as its policy says. */
export function ask(
  service: SoilService,
  request: Pick<HttpRequest, 'method' | 'url' | 'body'> & { readonly totalSeconds: number },
  policy: RetryPolicy = service.retries,
): Promise<HttpAnswer> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (service.token !== undefined) headers.authorization = `Bearer ${service.token}`;
  return sendWithRetries(
    () =>
      send({
        ...request,
        ...{ headers, idleSeconds, maxAnswerBytes },
        ...(policy.cancel !== undefined && { cancel: policy.cancel }),
      }),
    policy,
  );
}
