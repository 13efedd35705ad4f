/** `GET /healthz` and `GET /metrics`: whether sites can be written, and counters for Prometheus. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { quote } from '../../model/result.js';
import { problem, text, type HttpResponse } from '../http/response.js';
import { formatMetrics, type ProjectMetrics, type Metrics } from './metrics.js';
import type { Route, RouteContext } from './route-context.js';
import { withStaging } from '../disk/staging.js';
import { writeWhole } from '../../files/atomic-file.js';

export const getHealth: Route = (_request, context) => healthResponse([context]);

/** Returns 200, or 503 with the reasons if the site of any project cannot be written. */
export async function healthResponse(projects: readonly RouteContext[]): Promise<HttpResponse> {
  const faults = await Promise.all(projects.map(findFault));
  const reasons = faults.filter((fault) => fault !== undefined);
  return reasons.length === 0 ? text(200, 'ok\n') : problem(503, reasons.join('; '));
}

/** Writes and removes a folder with a file, as an upload does. Returns why that failed, if it did. */
async function findFault({ paths, project }: RouteContext): Promise<string | undefined> {
  try {
    await withStaging(paths.staging, (folder) => writeWhole(join(folder, 'probe'), 'probe', { sync: true }));
    return undefined;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return `cannot write to the site of project ${quote(project.prefix)}: ${reason}`;
  }
}

export const getMetrics: Route = (_request, context) => metricsResponse([context]);

/** Returns the metrics of all projects. `own`: metrics of requests that were for no project. */
export async function metricsResponse(
  projects: readonly RouteContext[],
  own?: Metrics,
): Promise<HttpResponse> {
  const measured: ProjectMetrics[] = await Promise.all(
    projects.map(async ({ project, metrics, site, usage, uploads }) => {
      const disk = await statfs(site.folder).catch(() => undefined);
      const free = disk && { freeBytes: disk.bavail * disk.bsize, freeFiles: disk.ffree };
      const now = { site, usage, quota: project.quota, uploads: uploads.count, disk: free };
      return { project: project.prefix, metrics, now };
    }),
  );
  if (own !== undefined) measured.push({ project: '', metrics: own });
  return text(200, formatMetrics(measured), {
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  });
}
