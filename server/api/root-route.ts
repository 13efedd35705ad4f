/** Responds to requests that are for no project: health and metrics of all projects, and a page that lists them. */
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
import { healthResponse, metricsResponse } from './health-route.js';
import type { Metrics } from './metrics.js';
import type { ServedProject } from './served-project.js';

export interface Root {
  readonly projects: readonly ServedProject[];
  readonly title: string;
  /** metrics of requests that are for no project */
  readonly metrics: Metrics;
}

/** Reports whether the root responds to a path, and not a project at `/`. */
export function isRootPath({ projects }: Root, path: string): boolean {
  if (path === '/healthz' || path === '/metrics') return true;
  return !projects.some(({ prefix }) => prefix === rootPrefix);
}

export async function respondToRoot(root: Root, path: string, exchange: HttpExchange): Promise<void> {
  sendResponse(exchange, await rootResponse(root, path, exchange.request.method ?? ''));
}

async function rootResponse(root: Root, path: string, method: string): Promise<HttpResponse> {
  const contexts = root.projects.map(({ context }) => context);
  const page = (body: string, type: string): HttpResponse =>
    text(200, body, { type, headers: areaHeaders('own') });
  const responses: Readonly<Record<string, () => HttpResponse | Promise<HttpResponse>>> = {
    '/healthz': () => healthResponse(contexts),
    '/metrics': () => metricsResponse(contexts, root.metrics),
    '/': () => page(renderProjects(root), 'text/html; charset=utf-8'),
    '/web/style.css': () => page(readAsset('web/style.css'), 'text/css; charset=utf-8'),
    '/web/icon.svg': () => page(readAsset('web/icon.svg'), 'image/svg+xml'),
  };
  const respond = Object.hasOwn(responses, path) ? responses[path] : undefined;
  if (respond === undefined)
    return problem(404, `cannot find ${quote(path, 300)}: no project of this server has this address`);
  if (method !== 'GET' && method !== 'HEAD') return wrongMethod(method, 'GET');
  return respond();
}

const readAsset = (path: string): string =>
  webAssets()
    .find((asset) => asset.path === path)
    ?.bytes.toString('utf8') ?? '';
