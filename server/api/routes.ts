/** The routes of a project, by method and path below its prefix. Other paths are the site's files. */
import { quote } from '../../model/result.js';
import { problem, wrongMethod, type HttpResponse } from '../http/response.js';
import { putArtifact } from './artifact-route.js';
import { postEvent } from './event-route.js';
import { getHealth, getReady } from './health-route.js';
import { getMetrics } from './metrics-route.js';
import { getLimits } from './limits-route.js';
import { postPrune } from './prune-route.js';
import { postResults } from './results-route.js';
import type { Route } from './route-context.js';
import { rawPath } from '../http/request-path.js';
import { getToken } from './token-route.js';
import { getWwup, postWwup } from './wwup-route.js';

/** What a request is for. `name` is its label in metrics. */
export type RouteMatch =
  | {
      readonly kind: 'route';
      readonly name: string;
      readonly route: Route;
      readonly rest: string;
      readonly query: URLSearchParams;
    }
  | { readonly kind: 'site' }
  | { readonly kind: 'refused'; readonly response: HttpResponse };

type Methods = Readonly<Partial<Record<'GET' | 'POST' | 'PUT', Route>>>;

/** The methods of each path below the prefix of a project. docs/openapi.yaml describes them. */
export const routes: Readonly<Record<string, Methods>> = {
  '/results': { POST: postResults },
  '/event': { POST: postEvent },
  '/prune': { POST: postPrune },
  '/wwup.cgi': { GET: getWwup, POST: postWwup },
  '/token': { GET: getToken },
  '/limits': { GET: getLimits },
  '/healthz': { GET: getHealth },
  '/readyz': { GET: getReady },
  '/metrics': { GET: getMetrics },
};

const artifactPrefix = '/artifacts/';

const site: RouteMatch = { kind: 'site' };

/** Finds the route of a request. `url` begins with the slash after the project's prefix. */
export function matchRoute(method: string, url: string): RouteMatch {
  const path = rawPath(url);
  const methods: Methods | undefined = path.startsWith(artifactPrefix)
    ? { PUT: putArtifact }
    : Object.hasOwn(routes, path)
      ? routes[path]
      : undefined;
  if (methods === undefined) {
    if (method === 'GET' || method === 'HEAD') return site;
    const message = `cannot find ${quote(path, 300)}: no route for ${quote(method, 20)} has this address`;
    return { kind: 'refused', response: problem(404, message) };
  }
  const routeMethod = method === 'HEAD' ? 'GET' : method;
  const route = methods[routeMethod as keyof Methods];
  if (route === undefined) {
    return { kind: 'refused', response: wrongMethod(method, Object.keys(methods).join(', ')) };
  }
  const query = new URLSearchParams(url.slice(path.length + 1));
  const isArtifact = path.startsWith(artifactPrefix);
  return {
    ...{ kind: 'route', route, query },
    name: isArtifact ? 'artifacts' : path.slice(1),
    rest: isArtifact ? path.slice(artifactPrefix.length) : '',
  };
}
