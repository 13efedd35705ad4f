/** Listens for HTTP, finds the project and the route of each request, and stops gracefully. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ServerLimits } from '../config/limits.js';
import { findProject, rootPrefix } from '../config/project.js';
import type { RequestLine } from '../http/access-log.js';
import { AddressLimit } from '../http/address-limit.js';
import { refuseBodyHeaders } from '../http/body-headers.js';
import { createRequestIds } from '../http/request-id.js';
import { originForm, rawPath } from '../http/request-path.js';
import { inTurns } from '../http/request-turns.js';
import {
  errorResponse,
  problem,
  sendResponse,
  type HttpExchange,
  type HttpResponse,
} from '../http/response.js';
import { hasBody, watchRate } from '../http/slow-request.js';
import { serveSite } from '../static/static-site.js';
import { isRootPath, respondToRoot, type Root } from './root-route.js';
import { matchRoute, type RouteMatch } from './routes.js';
import type { ServedProject } from './served-project.js';

export interface HttpServerOptions {
  readonly root: Root;
  /** only those of connections are used; each project has its own for the rest */
  readonly limits: ServerLimits;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  /** called with one line for each request */
  readonly log: (line: RequestLine) => void;
}

export interface ListeningServer {
  readonly port: number;
  /** Stops accepting requests, finishes those in progress, and ends the connections left after `stopSeconds`. */
  readonly stop: () => Promise<void>;
}

/** Starts to listen. Rejects if it cannot, for example because the port is in use. */
export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  options: HttpServerOptions,
): Promise<ListeningServer> {
  const { limits } = options;
  const nextId = createRequestIds();
  const state = { isStopping: false };
  const addresses = new AddressLimit(limits.addressConnections);
  const receive = inTurns((exchange) => {
    if (addresses.isRefused(exchange.request.socket)) exchange.response.destroy();
    else handleRequest({ ...exchange, state, id: nextId() }, options);
  });
  const server = createServer(
    {
      headersTimeout: limits.headerSeconds * 1000,
      requestTimeout: limits.requestSeconds * 1000,
      connectionsCheckingInterval: Math.min(5000, limits.headerSeconds * 1000),
      keepAliveTimeout: 5000,
    },
    receive,
  );
  // With `Expect: 100-continue`, a client is refused before it sends the body. Routes that read the body send 100.
  server.on('checkContinue', receive);
  server.maxConnections = limits.connections;
  server.on('connection', (socket: Socket) => {
    addresses.add(socket);
  });
  // Called after this time without a byte in either direction. Destroying the socket also ends its request.
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

interface ServerExchange extends HttpExchange {
  readonly state: { readonly isStopping: boolean };
  readonly id: string;
}

/** Responds to a request and logs it. Never throws. */
function handleRequest(exchange: ServerExchange, options: HttpServerOptions): void {
  const { request, response, id } = exchange;
  const { root, limits, now, log } = options;
  const { method = '' } = request;
  const url = originForm(request.url ?? '');
  request.url = url;
  const start = performance.now();
  let token: string | undefined;
  const path = rawPath(url);
  const projects = isRootPath(root, path) ? belowRoot(root) : root.projects;
  const found = findProject(projects, path);
  const match = found && matchRoute(method, found.rest + url.slice(path.length));
  // Most requests have no body.
  const unwatch = hasBody(request)
    ? watchRate(request, limits, () => {
        endSlow(exchange, limits);
      })
    : undefined;
  // `close` is also emitted when the client disconnects.
  response.on('close', () => {
    unwatch?.();
    const { statusCode: status } = response;
    const metrics = found?.project.context.metrics ?? root.metrics;
    metrics.addRequest(routeName(match), status);
    const milliseconds = performance.now() - start;
    log({ id, time: now(), method, url, status, milliseconds, project: found?.project.prefix, token });
  });
  closeIfStopping(exchange);
  if (found === undefined || match === undefined) {
    response.setHeader('X-Request-Id', id);
    void respondToRoot(root, path, exchange);
    return;
  }
  const { project, rest } = found;
  if (match.kind === 'site' && rest !== '') {
    request.url = rest + url.slice(path.length);
    void serveSite(project.files, request, response, id);
    return;
  }
  response.setHeader('X-Request-Id', id);
  if (rest === '') {
    // Relative, so that it works under any prefix that a proxy removes.
    const Location = `./${path.split('/').at(-1) ?? ''}/${url.slice(path.length)}`;
    sendResponse(exchange, problem(301, 'this is a folder', { Location, 'Cache-Control': 'no-cache' }));
    return;
  }
  const setTokenId = (tokenId: string): void => {
    token = tokenId;
  };
  if (match.kind !== 'site') void respond(match, exchange, { setTokenId, project, limits });
}

/** While the server stops, asks the client to close the connection: its next request would not be served. */
function closeIfStopping({ response, state }: ServerExchange): void {
  if (state.isStopping && !response.headersSent) response.setHeader('Connection', 'close');
}

/** Returns the projects that are not at `/`: those whose paths are below the root. */
const belowRoot = ({ projects }: Root): readonly ServedProject[] =>
  projects.filter(({ prefix }) => prefix !== rootPrefix);

function routeName(match: RouteMatch | undefined): string {
  if (match === undefined) return 'root';
  return match.kind === 'route' ? match.name : match.kind;
}

interface RequestInfo {
  /** sets the token's id for the access log */
  readonly setTokenId: (tokenId: string) => void;
  readonly project: ServedProject;
}

async function respond(
  match: Exclude<RouteMatch, { readonly kind: 'site' }>,
  exchange: ServerExchange,
  { limits, ...info }: RequestInfo & { readonly limits: ServerLimits },
): Promise<void> {
  const { request, response: output } = exchange;
  const response = match.kind === 'refused' ? match.response : await runRoute(match, exchange, info);
  if (output.destroyed || output.headersSent) return;
  if (!request.complete) limitRest(exchange, limits);
  closeIfStopping(exchange);
  sendResponse(exchange, response);
}

async function runRoute(
  { route, rest, query }: Extract<RouteMatch, { readonly kind: 'route' }>,
  { request, response, id }: ServerExchange,
  { setTokenId, project: { context } }: RequestInfo,
): Promise<HttpResponse> {
  const refusal = refuseBodyHeaders(request.headers);
  if (refusal !== undefined) return refusal;
  try {
    const sendContinue = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    return await route({ message: request, rest, query, setTokenId, sendContinue }, context);
  } catch (error) {
    const { stack } = error as Error;
    context.report(`request ${id}: ${stack ?? String(error)}`);
    return errorResponse(error);
  }
}

/** Sends 408 to a client whose body is too slow, if nothing was sent yet, and ends the connection. */
function endSlow(exchange: ServerExchange, { rateBytes, rateSeconds }: ServerLimits): void {
  const { request, response } = exchange;
  const { socket } = request;
  if (!response.headersSent && !response.destroyed) {
    const message = `cannot wait for the body: fewer than ${rateBytes} bytes arrived in ${rateSeconds} s`;
    // After a response, node does not report the end of the connection to the request: its reader would wait forever.
    response.once('finish', () => {
      request.destroy();
      socket.destroy();
    });
    sendResponse(exchange, problem(408, message, { Connection: 'close' }));
  } else socket.destroy();
}

/** Reads a little more from a refused client, so that it can read the response. Then ends the connection. */
function limitRest({ request, response }: ServerExchange, limits: ServerLimits): void {
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
