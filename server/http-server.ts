/** HTTP on a socket: a context in, a listening server out that answers every request and stops in peace. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerToError, problem, sendAnswer, type Answer } from './answer.js';
import { formatRequestLine } from './request-log.js';
import { findTarget } from './routes.js';
import type { ServerContext } from './server-context.js';
import { serveSite, type StaticSite } from './static.js';

export interface HttpServerOptions {
  readonly context: ServerContext;
  readonly files: StaticSite;
  /** takes one line for each request */
  readonly log: (line: string) => void;
}

export interface ListeningServer {
  readonly port: number;
  /** Takes no new request, finishes those it has, and ends the connections that are left after the limit. */
  readonly stop: () => Promise<void>;
}

export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  options: HttpServerOptions,
): Promise<ListeningServer> {
  const { limits } = options.context;
  const uploads = { count: 0 };
  const server = createServer(
    {
      headersTimeout: limits.headerSeconds * 1000,
      requestTimeout: limits.requestSeconds * 1000,
      connectionsCheckingInterval: Math.min(5000, limits.headerSeconds * 1000),
      keepAliveTimeout: 5000,
    },
    (request, response) => {
      void answerRequest({ request, response, uploads }, options);
    },
  );
  // Who asks first hears a refusal before a byte of the body is sent; routes that read the body say `100 Continue`.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    void answerRequest({ request, response, uploads }, options);
  });
  // Without a byte either way; a socket that is destroyed ends its request too.
  server.setTimeout(limits.idleSeconds * 1000, (socket) => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => stopServer(server, limits.stopSeconds),
  };
}

async function stopServer(server: Server, seconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, seconds * 1000);
  await closed;
  clearTimeout(timer);
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly uploads: { count: number };
}

/** Answers, whatever happens, and writes the request's line. Never throws. */
async function answerRequest(exchange: Exchange, options: HttpServerOptions): Promise<void> {
  const { request, response } = exchange;
  const { context, files, log } = options;
  const id = randomBytes(6).toString('hex');
  const begin = performance.now();
  let token: string | undefined;
  const target = findTarget(request);
  response.setHeader('X-Request-Id', id);
  // The line stands when the exchange is over, also where the client left before.
  response.once('close', () => {
    const { statusCode: status } = response;
    context.metrics.add('soil_requests', {
      route: target.kind === 'route' ? target.name : target.kind,
      status: String(status),
    });
    const { method = '', url = '' } = request;
    const milliseconds = performance.now() - begin;
    log(
      formatRequestLine({
        ...{ id, time: context.now(), method, url, status, milliseconds },
        ...(token !== undefined && { token }),
      }),
    );
  });
  if (target.kind === 'site') {
    await serveSite(files, request, response);
    return;
  }
  const name = (tokenId: string): void => {
    token = tokenId;
  };
  const answer =
    target.kind === 'refused' ? target.answer : await answerRoute(target, exchange, { name, options, id });
  if (response.destroyed || response.headersSent) return;
  if (!request.complete) boundRest(exchange, context);
  sendAnswer(answer, request, response);
}

async function answerRoute(
  { route, rest, query, isUpload }: Extract<ReturnType<typeof findTarget>, { readonly kind: 'route' }>,
  { request, response, uploads }: Exchange,
  {
    name,
    options,
    id,
  }: { readonly name: (token: string) => void; readonly options: HttpServerOptions; readonly id: string },
): Promise<Answer> {
  const { context } = options;
  if (isUpload && uploads.count >= context.limits.uploadsAtOnce) {
    return problem(503, 'cannot take another upload now: too many are under way', { 'Retry-After': '2' });
  }
  if (isUpload) uploads.count++;
  try {
    const welcome = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    return await route({ request, rest, query, name, welcome }, context);
  } catch (error) {
    const known = error as NodeJS.ErrnoException;
    context.report(`request ${id}: ${known.stack ?? String(error)}`);
    return answerToError(error);
  } finally {
    if (isUpload) uploads.count--;
  }
}

/** A client that was refused may send a little more, so that it reads its answer; then the connection ends. */
function boundRest({ request, response }: Exchange, { limits }: ServerContext): void {
  const { socket } = request;
  let left = limits.drainBytes;
  const timer = setTimeout(() => socket.destroy(), limits.drainSeconds * 1000);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  const end = (): void => {
    clearTimeout(timer);
  };
  request.once('end', end);
  request.once('close', end);
  response.once('close', () => {
    if (!request.complete) request.resume();
  });
}
