/** Reads a request body that is not a form: a short text, or a file. */
import type { IncomingMessage } from 'node:http';
import { accept, refuse, type Result } from '../../model/result.js';
import { bodyDigest, type BodyDigest } from './body-digest.js';
import type { QuotaReservation } from './quota.js';
import { bodyCheck, isDiskError, storeStream, type StoredFile } from './store-stream.js';
import type { UploadRefusal } from './upload-refusal.js';

/** Reads the whole body as UTF-8 text of at most `maxBytes`. */
export function readText(request: IncomingMessage, maxBytes: number): Promise<Result<string, UploadRefusal>> {
  return readBody(request, maxBytes, async (chunks) => {
    const check = bodyCheck(maxBytes);
    const read: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      const refusal = check(bytes);
      if (refusal !== undefined) return refuse(refusal);
      read.push(chunk);
    }
    return accept(Buffer.concat(read).toString('utf8'));
  });
}

/** Writes the whole body to a new file. On return it is on disk. After a refusal, the caller removes the file. */
export function readFile(
  request: IncomingMessage,
  path: string,
  { maxBytes, reservation }: { readonly maxBytes: number; readonly reservation: QuotaReservation },
): Promise<Result<StoredFile, UploadRefusal>> {
  return readBody(request, maxBytes, (chunks) => storeStream(chunks, path, bodyCheck(maxBytes, reservation)));
}

async function readBody<T>(
  request: IncomingMessage,
  maxBytes: number,
  read: (chunks: AsyncIterable<Buffer>) => Promise<Result<T, UploadRefusal>>,
): Promise<Result<T, UploadRefusal>> {
  if (Number(request.headers['content-length'] ?? '0') > maxBytes) {
    return refuse({ kind: 'body-too-large', maxBytes });
  }
  const digest = bodyDigest(request.headers);
  if (!digest.ok) return digest;
  // Not destroyed on return, since the response is sent on the same connection.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    const result = await read(digest.value === undefined ? chunks : hashed(chunks, digest.value));
    if (!result.ok) return result;
    if (request.complete) {
      const refusal = digest.value?.verify();
      return refusal === undefined ? result : refuse(refusal);
    }
  } catch (error) {
    if (request.complete || isDiskError(error)) throw error;
  }
  return refuse({ kind: 'incomplete', what: 'body' });
}

async function* hashed(chunks: AsyncIterable<Buffer>, digest: BodyDigest): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    digest.update(chunk);
    yield chunk;
  }
}
