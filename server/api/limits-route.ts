/**
 * `GET /limits`: returns what `POST /results` accepts from the token of the request, so that a worker can leave out what
 * is too large before it uploads. With the query of `POST /results`, the answer is 403 if that request's would be.
 */
import { maxRows } from '../../model/row.js';
import { maxExpectedJobs } from '../../model/run.js';
import { limitsToJson, type UploadLimits } from '../../model/upload-limits.js';
import type { ServerLimits } from '../config/limits.js';
import { json, problem } from '../http/response.js';
import { refusalResponse } from './refusal-response.js';
import { parseJobQuery } from './results-route.js';
import { authorize, type Route, type RouteContext } from './route-context.js';

export const getLimits: Route = async (request, context) => {
  const { query } = request;
  const isForJob = query.has('jobName') || query.has('workerHost');
  const parsed = isForJob ? parseJobQuery(query) : undefined;
  if (parsed?.ok === false) return problem(400, parsed.error);
  const permission = parsed && ({ action: 'append', ...parsed.value } as const);
  const token = await authorize(request, context, permission);
  if (!token.ok) return refusalResponse(token.error);
  if (!token.value.actions.includes('append')) {
    const reason = `cannot return limits to token ${token.value.id}: it lacks the action append`;
    return refusalResponse({ kind: 'forbidden', reason });
  }
  return json(200, limitsToJson(limitsOf(context.limits, context)));
};

/** A body that is larger than the whole quota can never be stored. */
function limitsOf(limits: ServerLimits, { project }: RouteContext): UploadLimits {
  const { siteBytes = Infinity, reserveBytes } = project.quota;
  const { wwz, wwzBytes, tsvBytes, jsonBytes, artifactBytes } = limits;
  const mostBytes = siteBytes - reserveBytes;
  return {
    ...{ wwzBytes, tsvBytes, jsonBytes, rows: maxRows, expectedJobs: maxExpectedJobs },
    bodyBytes: Math.min(limits.bodyBytes, mostBytes),
    artifactBytes: Math.min(artifactBytes, mostBytes),
    ...{ entries: wwz.entries, entryBytes: wwz.entryBytes, totalBytes: wwz.totalBytes },
    ...{ directoryBytes: wwz.directoryBytes, ratio: wwz.ratio },
  };
}
