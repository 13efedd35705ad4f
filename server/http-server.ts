/** soil-server's HTTP: routes, limits on time and connections, one log line a request. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { quote } from '../model/result.js';
import { putArtifact } from './artifact-route.js';
import type { Gatekeeper } from './authorization.js';
import { postEvent } from './event-route.js';
import type { Ask, Reply } from './exchange.js';
import type { Limits } from './limits.js';
import type { Metrics } from './metrics.js';
import { answer, refuseWith, type Answered } from './refusal.js';
import { postResults } from './results-route.js';
import type { Site } from './site.js';
import { serveSite, type StaticSite } from './static.js';
import { postUploadForm } from './upload-form-route.js';

export interface HttpServerParts {
  readonly site: Site;
  readonly files: StaticSite;
  readonly keeper: Gatekeeper;
  readonly limits: Limits;
  readonly metrics: Metrics;
  /** one JSON line for each request */
  readonly log: (line: string) => void;
}

type Handler = (ask: Ask) => Promise<Answered<Reply>>;

/** The server, not listening yet. */
export function createHttpServer(parts: HttpServerParts): Server {
  const { limits } = parts;
  const server = createServer(
    {
      requestTimeout: limits.requestSeconds * 1000,
      headersTimeout: limits.headSeconds * 1000,
      keepAliveTimeout: 15_000,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      handle(parts, request, response).catch((error: unknown) => {
        parts.log(
          JSON.stringify({ level: 'bug', error: error instanceof Error ? error.stack : String(error) }),
        );
        response.destroy();
      });
    },
  );
  server.maxConnections = limits.connections;
  return server;
}

async function handle(
  parts: HttpServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const begin = performance.now();
  const id = randomBytes(6).toString('hex');
  response.setHeader('X-Request-Id', id);
  let reason: string | undefined;
  response.on('close', () => {
    parts.metrics.count('requests');
    if (response.statusCode >= 400) parts.metrics.count('refused');
    const line = {
      ...{ id, method: request.method, url: (request.url ?? '').slice(0, 500), status: response.statusCode },
      ...{ ms: Math.round(performance.now() - begin), whole: response.writableFinished },
    };
    parts.log(JSON.stringify(reason === undefined ? line : { ...line, reason }));
  });
  const url = parseUrl(request.url ?? '');
  const handler = url && findHandler(request.method ?? '', url.pathname);
  if (url === undefined || handler === undefined) {
    await serveSite(parts.files, request, response);
    return;
  }
  const ask: Ask = { ...parts, request, path: url.pathname, query: url.searchParams };
  const answered = await handler(ask).catch((error: unknown): Answered<Reply> => {
    reason = error instanceof Error ? error.stack : String(error);
    return refuseWith(500, 'cannot answer this: something is wrong on the server');
  });
  if (!answered.ok) reason ??= answered.error;
  send(ask, response, answered);
}

function parseUrl(text: string): URL | undefined {
  return text.startsWith('/') && URL.canParse(`http://site${text}`)
    ? new URL(`http://site${text}`)
    : undefined;
}

function findHandler(method: string, path: string): Handler | undefined {
  if (method === 'GET' || method === 'HEAD') {
    if (path === '/healthz') return getHealth;
    return path === '/metrics' ? getMetrics : undefined;
  }
  if (method === 'POST' && path === '/results') return postResults;
  if (method === 'POST' && path === '/event') return postEvent;
  if (method === 'POST' && path === '/wwup.cgi') return postUploadForm;
  if (method === 'PUT' && path.startsWith('/artifacts/')) return putArtifact;
  return () =>
    Promise.resolve(
      refuseWith(
        path.startsWith('/artifacts/') ? 405 : 404,
        `cannot ${method} ${quote(path)}: there is no such route`,
      ),
    );
}

/** JSON unless the client asks for text; a form of Soil's shell clients gets plain text always. */
function send({ request, path }: Ask, response: ServerResponse, answered: Answered<Reply>): void {
  if (response.headersSent || response.destroyed) return;
  const status = answered.ok ? answered.value.status : answered.status;
  const body = answered.ok ? answered.value.body : { error: answered.error };
  const accept = request.headers.accept ?? '';
  const isText = typeof body === 'string' || path === '/wwup.cgi' || /text\/(plain|html)/.test(accept);
  const text =
    typeof body === 'string'
      ? body
      : isText
        ? `${Object.values(body).join('\n')}\n`
        : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...(status === 401 ? { 'WWW-Authenticate': 'Basic realm="soil"' } : {}),
    // A body that was not read to its end cannot be followed by another request.
    ...(request.complete ? {} : { Connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

async function getHealth({ site }: Ask): Promise<Answered<Reply>> {
  try {
    await access(site.folder, constants.W_OK);
    await access(site.privates.staging, constants.W_OK);
    const { bavail } = await statfs(site.folder);
    if (bavail === 0) return refuseWith(507, 'not healthy: the disk is full');
    return answer({ status: 200, body: 'ok\n' });
  } catch (error) {
    return refuseWith(503, `not healthy: ${(error as Error).message}`);
  }
}

async function getMetrics({ site, metrics }: Ask): Promise<Answered<Reply>> {
  const { bavail, bsize } = await statfs(site.folder);
  const gauges = { disk_free_bytes: bavail * bsize, memory_bytes: process.memoryUsage.rss() };
  return answer({ status: 200, body: metrics.format(gauges) });
}
