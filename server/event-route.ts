/** `POST /event?eventName=...`: something happened to a job; fields in the query or in a form body. */
import { parseEvent } from '../model/event.js';
import { authorize } from './authorization.js';
import type { Ask, Reply } from './exchange.js';
import { answer, refuseWith, type Answered } from './refusal.js';

export async function postEvent(ask: Ask): Promise<Answered<Reply>> {
  const body = await readBody(ask);
  if (!body.ok) return body;
  const event = parseEvent([...ask.query, ...new URLSearchParams(body.value)]);
  if (!event.ok) return refuseWith(400, event.error);
  const { host, job, updateStatusApi } = event.value;
  const { headers } = ask.request;
  for (const action of updateStatusApi ? (['event', 'status'] as const) : (['event'] as const)) {
    const allowed = await authorize(headers, { action, host, job }, ask.keeper);
    if (!allowed.ok) return allowed;
  }
  const added = await ask.site.addEvent(event.value);
  if (!added.ok) return added;
  ask.metrics.count('events');
  return answer({ status: 200, body: { accepted: event.value.name } });
}

async function readBody({ request, limits }: Ask): Promise<Answered<string>> {
  const type = request.headers['content-type'] ?? '';
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.eventBytes) {
      return refuseWith(413, `cannot accept the event: its body is larger than ${limits.eventBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (bytes > 0 && !type.startsWith('application/x-www-form-urlencoded')) {
    return refuseWith(415, `cannot read a body of type ${JSON.stringify(type)}: send form fields`);
  }
  return answer(Buffer.concat(chunks).toString('utf8'));
}
