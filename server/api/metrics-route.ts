/** `GET /metrics`: counters for Prometheus, for those whom the operator allows to read them. */
import { statfs } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { accept, refuse, type Result } from '../../model/result.js';
import { authenticate, checkPermission, refuseRemote, type AccessRefusal } from '../auth/authenticate.js';
import { text, type HttpResponse } from '../http/response.js';
import { formatMetrics, type Metrics, type ProjectMetrics } from './metrics.js';
import { refusalResponse } from './refusal-response.js';
import type { Route, RouteContext } from './route-context.js';

export const getMetrics: Route = ({ message, setTokenId }, context) =>
  metricsResponse(message, [context], { setTokenId });

export interface MetricsOptions {
  /** metrics of requests that were for no project; sent only to those who may read the metrics of all projects */
  readonly own?: Metrics;
  readonly setTokenId?: (tokenId: string) => void;
}

/** Returns the metrics of the projects that the sender may read, or why it may read none. */
export async function metricsResponse(
  message: IncomingMessage,
  projects: readonly RouteContext[],
  { own, setTokenId }: MetricsOptions = {},
): Promise<HttpResponse> {
  const checked = await Promise.all(projects.map((project) => mayRead(message, project)));
  const readable = projects.filter((_, i) => checked[i]?.ok === true);
  const [refusal] = checked.flatMap((one) => (one.ok ? [] : [one.error]));
  if (refusal !== undefined && readable.length === 0) return refusalResponse(refusal);
  for (const one of checked) if (one.ok && one.value !== undefined) setTokenId?.(one.value);
  const measured: ProjectMetrics[] = await Promise.all(
    readable.map(async ({ project, metrics, site, usage, uploads }) => {
      const disk = await statfs(site.folder).catch(() => undefined);
      const free = disk && { freeBytes: disk.bavail * disk.bsize, freeFiles: disk.ffree };
      const now = { site, usage, quota: project.quota, uploads: uploads.count, disk: free };
      return { project: project.prefix, metrics, now };
    }),
  );
  if (own !== undefined && refusal === undefined) measured.push({ project: '', metrics: own });
  return text(200, formatMetrics(measured), {
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  });
}

/** Checks that the sender may read a project's metrics. Returns the id of its token, if it sent one. */
async function mayRead(
  message: IncomingMessage,
  { access, metricsAccess, now }: RouteContext,
): Promise<Result<string | undefined, AccessRefusal>> {
  if (metricsAccess === 'public') return accept(undefined);
  const remote = refuseRemote(message);
  if (remote === undefined) return accept(undefined);
  if (message.headers.authorization === undefined) return refuse({ kind: 'unauthenticated', reason: remote });
  const token = await authenticate(access, message.headers, now());
  if (!token.ok) return token;
  const permitted = checkPermission(token.value, { action: 'metrics' });
  return permitted.ok ? accept(token.value.id) : permitted;
}
