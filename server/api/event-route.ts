/** `POST /event`: something that happened to a job, as form fields in the address or the body -> the log and the pages. */
import { parseEvent, type JobEvent } from '../../model/event.js';
import { json, problem } from '../http/response.js';
import { receiveText } from '../upload/body-reader.js';
import { authorize, afterPages, forbid, type Route } from './route-context.js';
import type { StatusUpdate } from '../site/status-writer.js';

export const postEvent: Route = async (call, context) => {
  const admitted = await authorize(call, context, { action: 'event' });
  if (!admitted.ok) return admitted.answer;
  call.sendContinue();
  const body = await receiveText(call.request, context.limits.eventBytes);
  if (!body.ok) return body.answer;
  const isForm =
    call.request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  if (body.text !== '' && !isForm) {
    return problem(400, 'cannot accept the body: it must be application/x-www-form-urlencoded, or empty');
  }
  const parsed = parseEvent([...call.query, ...new URLSearchParams(body.text)]);
  if (!parsed.ok) return problem(400, parsed.error);
  const event = parsed.value;
  const scope = { host: event.host, job: event.job };
  const refused = forbid(admitted.token, { action: 'event', ...scope });
  if (refused !== undefined) return refused;
  const full = context.usage.refuseEvent();
  if (full !== undefined) return full;
  const wish = event.name === 'done' && event.updateStatusApi ? statusWish(event) : undefined;
  if (wish !== undefined) {
    const unpermitted = forbid(admitted.token, { action: 'status', ...scope });
    if (unpermitted !== undefined) return unpermitted;
    // Before the event is logged: what is refused leaves no trace.
    const written = await context.site.writeStatus(wish);
    if (!written.ok) return problem(409, written.error);
    await afterPages((await context.site.recordEvent(event)).shown, context);
    context.metrics.add('soil_events', { name: event.name });
    const { path, note } = written.value;
    return json(200, { event: event.name, status: path, ...(note !== undefined && { note }) });
  }
  await afterPages((await context.site.recordEvent(event)).shown, context);
  context.metrics.add('soil_events', { name: event.name });
  return json(200, { event: event.name });
};

function statusWish(event: JobEvent): StatusUpdate | undefined {
  const { host, job, status, attempt, commit } = event;
  const run = host === 'sourcehut' ? event.jobId : event.runId;
  // parseEvent() saw to it that both are there.
  if (run === undefined || status === undefined) return undefined;
  return { host, run, attempt, job, status, ...(commit !== undefined && { commit }) };
}
