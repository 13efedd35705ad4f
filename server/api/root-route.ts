/** Responds to requests that are for no project: health, readiness and metrics of all projects, and a page that lists them. */
import type { IncomingMessage } from 'node:http';
import { quote } from '../../model/result.js';
import { webAssets } from '../../templates/asset.js';
import { rootPrefix } from '../config/project.js';
import {
  problem,
  sendResponse,
  text,
  wrongMethod,
  type HttpExchange,
  type HttpResponse,
} from '../http/response.js';
import { areaHeaders } from '../http/security-headers.js';
import { renderProjects } from '../pages/views/projects-page.js';
import { readyResponse } from './health-route.js';
import { metricsResponse } from './metrics-route.js';
import type { Metrics } from './metrics.js';
import type { RouteContext } from './route-context.js';
import type { ServedProject } from './served-project.js';

export interface Root {
  readonly projects: readonly ServedProject[];
  readonly title: string;
  /** metrics of requests that are for no project */
  readonly metrics: Metrics;
}

type RootRoute = (root: Root, request: IncomingMessage) => HttpResponse | Promise<HttpResponse>;

const contextsOf = ({ projects }: Root): readonly RouteContext[] => projects.map(({ context }) => context);

/** The routes for the whole server, by path. They exist even if a project is at `/`. */
const serverRoutes: Readonly<Record<string, RootRoute>> = {
  '/healthz': () => text(200, 'ok\n'),
  '/readyz': (root) => readyResponse(contextsOf(root)),
  '/metrics': (root, request) => metricsResponse(request, contextsOf(root), { own: root.metrics }),
};

/** The routes that exist only if no project is at `/`, by path. */
const pageRoutes: Readonly<Record<string, RootRoute>> = {
  '/': (root) => page(renderProjects(root), 'text/html; charset=utf-8'),
  '/web/style.css': () => page(readAsset('web/style.css'), 'text/css; charset=utf-8'),
  '/web/icon.svg': () => page(readAsset('web/icon.svg'), 'image/svg+xml'),
};

/** Reports whether the root responds to a path, and not a project at `/`. */
export const isRootPath = ({ projects }: Root, path: string): boolean =>
  Object.hasOwn(serverRoutes, path) || !projects.some(({ prefix }) => prefix === rootPrefix);

export async function respondToRoot(root: Root, path: string, exchange: HttpExchange): Promise<void> {
  sendResponse(exchange, await rootResponse(root, path, exchange.request));
}

async function rootResponse(root: Root, path: string, request: IncomingMessage): Promise<HttpResponse> {
  const { method } = request;
  const routes = { ...serverRoutes, ...pageRoutes };
  const respond = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (respond === undefined)
    return problem(404, `cannot find ${quote(path, 300)}: no project of this server has this address`);
  if (method !== 'GET' && method !== 'HEAD') return wrongMethod(method, 'GET');
  return respond(root, request);
}

const page = (body: string, type: string): HttpResponse =>
  text(200, body, { type, headers: areaHeaders('own') });

const readAsset = (path: string): string =>
  webAssets()
    .find((asset) => asset.path === path)
    ?.bytes.toString('utf8') ?? '';
