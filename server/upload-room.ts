/** An upload's room and its staging folder together: both are given back whatever happens. */
import type { Answer } from './answer.js';
import type { Call, ServerContext } from './server-context.js';
import type { Room } from './site-usage.js';
import { withStaging } from './staging.js';

/** `maxBytes`: of the body; one that declares more is refused by whoever reads it. */
export async function withUpload(
  { request }: Call,
  { context, maxBytes }: { readonly context: ServerContext; readonly maxBytes: number },
  work: (folder: string, room: Room) => Promise<Answer>,
): Promise<Answer> {
  const declared = Number(request.headers['content-length'] ?? '0');
  const entered = await context.usage.enter(declared > maxBytes ? 0 : declared);
  if (!entered.ok) {
    context.metrics.add('soil_uploads', { result: 'no-room' });
    return entered.answer;
  }
  try {
    return await withStaging(context.site.own.staging, (folder) => work(folder, entered.room));
  } finally {
    entered.room.leave();
  }
}
