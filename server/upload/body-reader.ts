/** A request's body without a form around it: a small text, or a stream of bytes to a file, within limits. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { problem, type HttpResponse } from '../http/response.js';
import type { QuotaReservation } from './quota.js';

export type ReceivedText =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly answer: HttpResponse };

const tooLarge = (maxBytes: number): { readonly ok: false; readonly answer: HttpResponse } => ({
  ok: false,
  answer: problem(413, `cannot accept the body: it has more than ${maxBytes} bytes`),
});

const cutShort: { readonly ok: false; readonly answer: HttpResponse } = {
  ok: false,
  answer: problem(400, 'cannot accept the body: the connection ended within it'),
};

/** The whole body as text, at most `maxBytes`. */
export async function receiveText(request: IncomingMessage, maxBytes: number): Promise<ReceivedText> {
  const chunks: Buffer[] = [];
  const received = await receive(request, { maxBytes }, (chunk) => {
    chunks.push(chunk);
    return Promise.resolve();
  });
  return received.ok ? { ok: true, text: Buffer.concat(chunks).toString('utf8') } : received;
}

export type ReceivedFile =
  | { readonly ok: true; readonly bytes: number; /** hexadecimal */ readonly sha256: string }
  | { readonly ok: false; readonly answer: HttpResponse };

/** The whole body into a new file, on the disk when this returns; what a refusal leaves is the caller's to remove. */
export async function receiveFile(
  request: IncomingMessage,
  path: string,
  { maxBytes, room }: { readonly maxBytes: number; readonly room: QuotaReservation },
): Promise<ReceivedFile> {
  const handle = await open(path, 'wx', 0o644);
  const sum = createHash('sha256');
  try {
    const received = await receive(request, { maxBytes, room }, async (chunk) => {
      sum.update(chunk);
      await handle.writeFile(chunk);
    });
    if (!received.ok) return received;
    await handle.sync();
    return { ...received, sha256: sum.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function receive(
  request: IncomingMessage,
  { maxBytes, room }: { readonly maxBytes: number; readonly room?: QuotaReservation },
  take: (chunk: Buffer) => Promise<void>,
): Promise<
  { readonly ok: true; readonly bytes: number } | { readonly ok: false; readonly answer: HttpResponse }
> {
  if (Number(request.headers['content-length'] ?? '0') > maxBytes) return tooLarge(maxBytes);
  let bytes = 0;
  // Not destroyed on return: its connection still carries the answer.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) return tooLarge(maxBytes);
      const answer = room?.extend(bytes);
      if (answer !== undefined) return { ok: false, answer };
      await take(chunk);
    }
  } catch (error) {
    if (request.complete || (error as NodeJS.ErrnoException).syscall === 'write') throw error;
    return cutShort;
  }
  return request.complete ? { ok: true, bytes } : cutShort;
}
