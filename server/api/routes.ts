/** The addresses of a project: method and path below its prefix -> a route, or the site's own files. */
import { problem, wrongMethod, type HttpResponse } from '../http/response.js';
import { putArtifact } from './artifact-route.js';
import { postEvent } from './event-route.js';
import { getHealth, getMetrics } from './health-route.js';
import { postPrune } from './prune-route.js';
import { postResults } from './results-route.js';
import type { Route } from './route-context.js';
import { rawPath } from '../http/request-path.js';
import { getToken } from './token-route.js';
import { getWwup, postWwup } from './wwup-route.js';

/** What a request is for. `name` is the metric's label; `isUpload`: it counts against the uploads at one time. */
export type Target =
  | {
      readonly kind: 'route';
      readonly name: string;
      readonly route: Route;
      readonly rest: string;
      readonly query: URLSearchParams;
      readonly isUpload: boolean;
    }
  | { readonly kind: 'site' }
  | { readonly kind: 'refused'; readonly answer: HttpResponse };

type Methods = Readonly<Partial<Record<'GET' | 'POST' | 'PUT', Route>>>;

const routes: Readonly<Record<string, Methods>> = {
  '/results': { POST: postResults },
  '/event': { POST: postEvent },
  '/prune': { POST: postPrune },
  '/wwup.cgi': { GET: getWwup, POST: postWwup },
  '/token': { GET: getToken },
  '/healthz': { GET: getHealth },
  '/metrics': { GET: getMetrics },
};

const artifacts = '/artifacts/';

const site: Target = { kind: 'site' };

/** `url` begins with the slash behind the project's prefix. */
export function findTarget(method: string, url: string): Target {
  const path = rawPath(url);
  const methods: Methods | undefined = path.startsWith(artifacts)
    ? { PUT: putArtifact }
    : Object.hasOwn(routes, path)
      ? routes[path]
      : undefined;
  if (methods === undefined) {
    if (method === 'GET' || method === 'HEAD') return site;
    return { kind: 'refused', answer: problem(404, 'cannot find this: the server has no such address') };
  }
  const asked = method === 'HEAD' ? 'GET' : method;
  const route = methods[asked as keyof Methods];
  if (route === undefined) {
    return { kind: 'refused', answer: wrongMethod(method, Object.keys(methods).join(', ')) };
  }
  const query = new URLSearchParams(url.slice(path.length + 1));
  const isArtifact = path.startsWith(artifacts);
  return {
    ...{ kind: 'route', route, query },
    name: isArtifact ? 'artifacts' : path.slice(1),
    rest: isArtifact ? path.slice(artifacts.length) : '',
    isUpload: asked !== 'GET' && path !== '/event' && path !== '/prune',
  };
}
