/** `POST /event`: records something that happened to a job. Form fields in the query or the body. */
import { parseEvent, type JobEvent } from '../../model/event.js';
import { checkPermission } from '../auth/authenticate.js';
import type { StoredToken } from '../auth/token.js';
import { json, problem } from '../http/response.js';
import type { StatusUpdate } from '../site/site.js';
import { readText } from '../upload/body-reader.js';
import { refusalResponse } from './refusal-response.js';
import { authorize, waitForPages, type Route, type RouteContext } from './route-context.js';

export const postEvent: Route = async (request, context) => {
  const token = await authorize(request, context, { action: 'event' });
  if (!token.ok) return refusalResponse(token.error);
  const inTime = context.rate.take(token.value.id, performance.now() / 1000);
  if (!inTime.ok) return refusalResponse(inTime.error);
  request.sendContinue();
  const body = await readText(request.message, context.limits.eventBytes);
  if (!body.ok) return refusalResponse(body.error);
  const isForm =
    request.message.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  if (body.value !== '' && !isForm) {
    return problem(400, 'cannot accept the body: it must be application/x-www-form-urlencoded, or empty');
  }
  const parsed = parseEvent([...request.query, ...new URLSearchParams(body.value)]);
  if (!parsed.ok) return problem(400, parsed.error);
  const event = parsed.value;
  const scope = { host: event.host, job: event.job };
  const permitted = checkPermission(token.value, { action: 'event', ...scope });
  if (!permitted.ok) return refusalResponse(permitted.error);
  const full = context.usage.checkReserve(body.value.length + request.query.toString().length, token.value);
  if (full !== undefined) return refusalResponse(full);
  const update = statusUpdateOf(event);
  if (update === undefined) {
    await recordEvent(event, token.value, context);
    return json(200, { event: event.name });
  }
  const mayWrite = checkPermission(token.value, { action: 'status', ...scope });
  if (!mayWrite.ok) return refusalResponse(mayWrite.error);
  // Before the event is logged: a refused request leaves no trace.
  const written = await context.site.writeStatus({ ...update, sender: token.value });
  if (!written.ok) return problem(409, written.error);
  await recordEvent(event, token.value, context);
  const { path, note } = written.value;
  return json(200, { event: event.name, status: path, ...(note !== undefined && { note }) });
};

async function recordEvent(event: JobEvent, sender: StoredToken, context: RouteContext): Promise<void> {
  const { logBytes, pagesWritten } = await context.site.recordEvent(event, sender);
  context.senders.addLogBytes(sender.id, logBytes);
  await waitForPages(pagesWritten, context);
  context.metrics.add('soil_events', { name: event.name });
}

/** Returns the status line that a `done` event asks for. */
function statusUpdateOf(event: JobEvent): StatusUpdate | undefined {
  if (event.name !== 'done' || !event.updateStatusApi) return undefined;
  const { host, job, status, attempt, commit } = event;
  const run = host === 'sourcehut' ? event.jobId : event.runId;
  // parseEvent() refuses such an event without them.
  if (run === undefined || status === undefined) return undefined;
  return { host, run, attempt, job, status, ...(commit !== undefined && { commit }) };
}
