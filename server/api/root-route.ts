/** What a server answers beside its projects: its health and counts as a whole, and a page that lists the projects. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { webAssets } from '../../templates/asset.js';
import { problem, sendResponse, wrongMethod, type HttpResponse } from '../http/response.js';
import { answerHealth, answerMetrics } from './health-route.js';
import type { Metrics } from './metrics.js';
import { rootPrefix } from '../config/project.js';
import type { ServedProject } from './served-project.js';
import { areaHeaders } from '../http/security-headers.js';
import { renderProjects } from '../pages/views/projects-page.js';

export interface Root {
  readonly projects: readonly ServedProject[];
  readonly title: string;
  /** of requests that are for no project */
  readonly metrics: Metrics;
}

/** Whether the root answers a path, and not a project at `/`. */
export function isRootPath({ projects }: Root, path: string): boolean {
  if (path === '/healthz' || path === '/metrics') return true;
  return !projects.some(({ prefix }) => prefix === rootPrefix);
}

export async function answerRoot(
  root: Root,
  path: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  sendResponse(await rootAnswer(root, path, request.method ?? ''), request, response);
}

async function rootAnswer(root: Root, path: string, method: string): Promise<HttpResponse> {
  const page = (text: string, type: string): HttpResponse => ({
    ...{ kind: 'text', status: 200, text, type },
    headers: areaHeaders('own'),
  });
  const answers: Readonly<Record<string, () => HttpResponse | Promise<HttpResponse>>> = {
    '/healthz': () => answerHealth(root.projects.map(({ context }) => context)),
    '/metrics': () =>
      answerMetrics(
        root.projects.map(({ context }) => context),
        root.metrics,
      ),
    '/': () => page(renderProjects(root), 'text/html; charset=utf-8'),
    '/web/style.css': () => page(asset('web/style.css'), 'text/css; charset=utf-8'),
    '/web/icon.svg': () => page(asset('web/icon.svg'), 'image/svg+xml'),
  };
  const found = Object.hasOwn(answers, path) ? answers[path] : undefined;
  if (found === undefined) return problem(404, 'cannot find this: no project of the server has this address');
  if (method !== 'GET' && method !== 'HEAD') return wrongMethod(method, 'GET');
  return found();
}

const asset = (path: string): string =>
  webAssets()
    .find((one) => one.path === path)
    ?.bytes.toString('utf8') ?? '';
