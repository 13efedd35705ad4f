/** `GET /healthz` and `GET /metrics`: whether the site can be written, and what the server has done. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './durable-file.js';
import { problem, text } from './answer.js';
import type { Route } from './server-context.js';
import { withStaging } from './staging.js';

/** Writes a file and a folder and takes them away again: what an upload needs. */
export const getHealth: Route = async (_call, { site }) => {
  try {
    await withStaging(site.own.staging, (folder) =>
      writeWhole(join(folder, 'probe'), 'probe', { sync: false }),
    );
    return text(200, 'ok\n');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return problem(503, `cannot write the site: ${reason}`);
  }
};

export const getMetrics: Route = async (_call, { metrics, site }) => {
  const disk = await statfs(site.folder).catch(() => undefined);
  return {
    kind: 'text',
    status: 200,
    text: metrics.format(site, disk && disk.bavail * disk.bsize),
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  };
};
