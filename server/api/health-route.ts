/** `GET /healthz` and `GET /metrics`: whether sites can be written, and what the server has done. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { quote } from '../../model/result.js';
import { problem, text, type HttpResponse } from '../http/response.js';
import { formatMetrics, type Measured, type Metrics } from './metrics.js';
import type { Route, RouteContext } from './route-context.js';
import { withStaging } from '../disk/staging.js';
import { writeWhole } from '../../files/atomic-file.js';

export const getHealth: Route = (_call, context) => answerHealth([context]);

/** One project that cannot be written is enough for a 503: who is told can look which one. */
export async function answerHealth(projects: readonly RouteContext[]): Promise<HttpResponse> {
  const faults = await Promise.all(projects.map(healthFault));
  const told = faults.filter((fault) => fault !== undefined);
  return told.length === 0 ? text(200, 'ok\n') : problem(503, told.join('; '));
}

/** Writes a folder and a file in it and takes both away again: what an upload needs. */
async function healthFault({ paths, project }: RouteContext): Promise<string | undefined> {
  try {
    await withStaging(paths.staging, (folder) => writeWhole(join(folder, 'probe'), 'probe', { sync: true }));
    return undefined;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return `cannot write the site of project ${quote(project.prefix)}: ${reason}`;
  }
}

export const getMetrics: Route = (_call, context) => answerMetrics([context]);

/** `own`: counts of requests that were for no project. */
export async function answerMetrics(projects: readonly RouteContext[], own?: Metrics): Promise<HttpResponse> {
  const measured: Measured[] = await Promise.all(
    projects.map(async ({ project, metrics, site, usage, uploads }) => {
      const disk = await statfs(site.folder).catch(() => undefined);
      const free = disk && { freeBytes: disk.bavail * disk.bsize, freeFiles: disk.ffree };
      const now = { site, usage, quota: project.quota, uploads: uploads.count, disk: free };
      return { project: project.prefix, metrics, now };
    }),
  );
  if (own !== undefined) measured.push({ project: '', metrics: own });
  return {
    kind: 'text',
    status: 200,
    text: formatMetrics(measured),
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  };
}
