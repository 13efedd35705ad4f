/** HTTP on a socket: projects in, a listening server out that answers every request and stops in peace. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorResponse, problem, sendResponse, type HttpResponse } from '../http/response.js';
import type { ServerLimits } from '../config/limits.js';
import { findProject, rootPrefix } from '../config/project.js';
import { makeRequestIds } from '../http/request-id.js';
import type { RequestLine } from '../http/access-log.js';
import { answerRoot, isRootPath, type Root } from './root-route.js';
import { findTarget, type Target } from './routes.js';
import type { ServedProject } from './served-project.js';
import { hasBody, watchRate } from '../http/slow-request.js';
import { serveSite } from '../static/static-site.js';
import { rawPath } from '../http/request-path.js';

export interface HttpServerOptions {
  readonly root: Root;
  /** of connections */
  readonly limits: ServerLimits;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** takes one line for each request */
  readonly log: (line: RequestLine) => void;
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
  const { limits } = options;
  const nextId = makeRequestIds();
  const state = { isStopping: false };
  const server = createServer(
    {
      headersTimeout: limits.headerSeconds * 1000,
      requestTimeout: limits.requestSeconds * 1000,
      connectionsCheckingInterval: Math.min(5000, limits.headerSeconds * 1000),
      keepAliveTimeout: 5000,
    },
    (request, response) => {
      answerRequest({ request, response, state, id: nextId() }, options);
    },
  );
  // Who asks first hears a refusal before a byte of the body is sent; routes that read the body say `100 Continue`.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    answerRequest({ request, response, state, id: nextId() }, options);
  });
  server.maxConnections = limits.connections;
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
    stop: () => {
      state.isStopping = true;
      return stopServer(server, limits.stopSeconds);
    },
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
  readonly state: { readonly isStopping: boolean };
  readonly id: string;
}

/** Answers, whatever happens, and writes the request's line. Never throws. */
function answerRequest(exchange: Exchange, options: HttpServerOptions): void {
  const { request, response, id } = exchange;
  const { root, limits, now, log } = options;
  const { method = '', url = '' } = request;
  const begin = performance.now();
  let token: string | undefined;
  const path = rawPath(url);
  const found = isRootPath(root, path) ? findProject(named(root), path) : findProject(root.projects, path);
  const target = found && findTarget(method, found.rest + url.slice(path.length));
  // Most requests have no body to wait for.
  const unwatch = hasBody(request)
    ? watchRate(request, limits, () => {
        cutSlow(exchange, limits);
      })
    : undefined;
  // The line stands when the exchange is over, also where the client left before.
  response.on('close', () => {
    unwatch?.();
    const { statusCode: status } = response;
    const metrics = found?.project.context.metrics ?? root.metrics;
    metrics.addRequest(routeName(target), status);
    const milliseconds = performance.now() - begin;
    log({ id, time: now(), method, url, status, milliseconds, project: found?.project.prefix, token });
  });
  announceStop(exchange);
  if (found === undefined || target === undefined) {
    response.setHeader('X-Request-Id', id);
    void answerRoot(root, path, exchange);
    return;
  }
  const { project, rest } = found;
  if (target.kind === 'site' && rest !== '') {
    request.url = rest + url.slice(path.length);
    void serveSite(project.files, request, response, id);
    return;
  }
  response.setHeader('X-Request-Id', id);
  if (rest === '') {
    // Relative, so that it holds under any prefix that a web server in front may have taken off.
    const Location = `./${path.split('/').at(-1) ?? ''}/${url.slice(path.length)}`;
    sendResponse(
      problem(301, 'it is a folder', { Location, 'Cache-Control': 'no-cache' }),
      request,
      response,
    );
    return;
  }
  const setTokenId = (tokenId: string): void => {
    token = tokenId;
  };
  if (target.kind !== 'site') void answerTarget(target, exchange, { setTokenId, project, limits });
}

/** A client that goes on with the same connection would have its next request cut off. */
function announceStop({ response, state }: Exchange): void {
  if (state.isStopping && !response.headersSent) response.setHeader('Connection', 'close');
}

interface RequestInfo {
  /** told of the id of the token */
  readonly setTokenId: (tokenId: string) => void;
  readonly project: ServedProject;
}

async function answerTarget(
  target: Exclude<Target, { readonly kind: 'site' }>,
  exchange: Exchange,
  { limits, ...asked }: RequestInfo & { readonly limits: ServerLimits },
): Promise<void> {
  const { request, response } = exchange;
  const answer = target.kind === 'refused' ? target.answer : await answerRoute(target, exchange, asked);
  if (response.destroyed || response.headersSent) return;
  if (!request.complete) boundRest(exchange, limits);
  announceStop(exchange);
  sendResponse(answer, request, response);
}

/** At the root without a project there, what is below a prefix is that project's all the same. */
const named = ({ projects }: Root): readonly ServedProject[] =>
  projects.filter(({ prefix }) => prefix !== rootPrefix);

function routeName(target: Target | undefined): string {
  if (target === undefined) return 'root';
  return target.kind === 'route' ? target.name : target.kind;
}

async function answerRoute(
  { route, rest, query, isUpload }: Extract<Target, { readonly kind: 'route' }>,
  { request, response, id }: Exchange,
  { setTokenId, project: { context } }: RequestInfo,
): Promise<HttpResponse> {
  const { uploads, limits } = context;
  if (isUpload && uploads.count >= limits.uploadsAtOnce) {
    return problem(503, 'cannot take another upload now: too many are under way', { 'Retry-After': '2' });
  }
  if (isUpload) uploads.count++;
  try {
    const sendContinue = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    return await route({ message: request, rest, query, setTokenId, sendContinue }, context);
  } catch (error) {
    const known = error as NodeJS.ErrnoException;
    context.report(`request ${id}: ${known.stack ?? String(error)}`);
    return errorResponse(error);
  } finally {
    if (isUpload) uploads.count--;
  }
}

/** Who trickles hears why, if it still listens; then the connection ends, and with it whatever waited for the body. */
function cutSlow({ request, response }: Exchange, { rateBytes, rateSeconds }: ServerLimits): void {
  const { socket } = request;
  if (!response.headersSent && !response.destroyed) {
    const sentence = `cannot wait for the body: fewer than ${rateBytes} bytes came in ${rateSeconds} s`;
    // An answered request is not told that its connection ended: whoever waits for its body would wait for ever.
    response.once('finish', () => {
      request.destroy();
      socket.destroy();
    });
    sendResponse(problem(408, sentence, { Connection: 'close' }), request, response);
  } else socket.destroy();
}

/** A client that was refused may send a little more, so that it reads its answer; then the connection ends. */
function boundRest({ request, response }: Exchange, limits: ServerLimits): void {
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
