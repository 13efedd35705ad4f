/** `GET /healthz` and `GET /readyz`: whether the server answers, and whether it can store results. */
import { problem, text, type HttpResponse } from '../http/response.js';
import type { Route, RouteContext } from './route-context.js';
import { probeSeconds } from './readiness.js';

/** Answers without touching the disk. */
export const getHealth: Route = () => Promise.resolve(text(200, 'ok\n'));

export const getReady: Route = (_request, context) => readyResponse([context]);

/** Returns 200, or 503 with the reasons if the site of any project cannot be written. */
export async function readyResponse(projects: readonly RouteContext[]): Promise<HttpResponse> {
  const faults = await Promise.all(projects.map((project) => project.readiness.findFault()));
  const reasons = faults.filter((fault) => fault !== undefined);
  return reasons.length === 0
    ? text(200, 'ok\n')
    : problem(503, reasons.join('; '), { 'Retry-After': String(probeSeconds) });
}
