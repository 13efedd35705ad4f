/**
 * Reads a multipart form: returns its fields, writes its files to disk, and enforces every limit while bytes arrive.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { accept, refuse, type Result } from '../../model/result.js';
import type { ServerLimits } from '../config/limits.js';
import { bodyDigest } from './body-digest.js';
import { createFormParser, type FilePart } from './busboy-parser.js';
import type { QuotaReservation } from './quota.js';
import { bodyCheck, isDiskError, storeStream } from './store-stream.js';
import type { UploadRefusal } from './upload-refusal.js';

export type { FilePart } from './busboy-parser.js';

/** Where a file is stored, and how large it may be. */
export interface FilePlan {
  readonly path: string;
  readonly maxBytes: number;
}

export interface FormOptions {
  /** called for each file before it is stored; refuses with the whole message */
  readonly plan: (part: FilePart) => Result<FilePlan>;
  readonly limits: ServerLimits;
  readonly reservation: QuotaReservation;
}

export interface Form {
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** of the whole body */
  readonly bytes: number;
  /** SHA-256 of each file, in hexadecimal, by its path */
  readonly digests: ReadonlyMap<string, string>;
}

/**
 * Reads a form. On return its files are on disk. After a refusal, the request may have unread bytes, and the caller
 * removes the stored files. Rejects with an error of the disk.
 */
export async function readForm(
  request: IncomingMessage,
  { plan, limits, reservation }: FormOptions,
): Promise<Result<Form, UploadRefusal>> {
  const { bodyBytes } = limits;
  if (Number(request.headers['content-length'] ?? '0') > bodyBytes) {
    return refuse({ kind: 'body-too-large', maxBytes: bodyBytes });
  }
  const digest = bodyDigest(request.headers);
  if (!digest.ok) return digest;
  const fields: [string, string][] = [];
  const digests = new Map<string, string>();
  const writes: Promise<void>[] = [];
  let bytes = 0;
  const state: { failure: Failure | undefined } = { failure: undefined };
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));

  const fail = (failure: Failure): void => {
    if (state.failure !== undefined) return;
    state.failure = failure;
    parser.stop();
    finish();
  };
  const store = async (part: FilePart, stream: Readable, { path, maxBytes }: FilePlan): Promise<void> => {
    const check = (received: number): UploadRefusal | undefined =>
      received > maxBytes ? { kind: 'part-too-large', what: 'file', name: part.field, maxBytes } : undefined;
    try {
      const stored = await storeStream(stream, path, check);
      if (stored.ok) digests.set(path, stored.value.sha256);
      else fail({ refusal: stored.error });
    } catch (error) {
      // A stream that ended early because the form was refused is not another error.
      if (isDiskError(error) || (state.failure === undefined && !stream.destroyed)) fail({ error });
    }
  };
  const created = createFormParser(request.headers, limits, {
    field: (name, value) => fields.push([name, value]),
    file: (part, stream) => {
      const planned = plan(part);
      if (planned.ok) {
        writes.push(store(part, stream, planned.value));
        return;
      }
      stream.resume();
      fail({ refusal: { kind: 'file-refused', reason: planned.error } });
    },
    refused: (refusal) => {
      fail({ refusal });
    },
    end: finish,
  });
  if (!created.ok) return created;
  const parser = created.value;

  const check = bodyCheck(bodyBytes, reservation);
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    digest.value?.update(chunk);
    const refusal = check(bytes);
    if (refusal !== undefined) fail({ refusal });
  };
  const onClose = (): void => {
    if (!request.readableEnded) fail({ refusal: { kind: 'incomplete', what: 'form' } });
  };
  // If the client disconnected while its token was checked, no event follows.
  if (request.destroyed) onClose();
  request.on('data', count);
  request.once('close', onClose);
  if (state.failure === undefined) parser.start(request);
  await finished;
  request.off('data', count);
  request.off('close', onClose);
  await Promise.allSettled(writes);
  if (state.failure === undefined) {
    const refusal = digest.value?.verify();
    if (refusal !== undefined) return refuse(refusal);
  }
  const { failure } = state;
  if (failure === undefined) return accept({ fields, bytes, digests });
  if ('refusal' in failure) return refuse(failure.refusal);
  throw failure.error;
}

/** The first failure. It ends the form. */
type Failure = { readonly refusal: UploadRefusal } | { readonly error: unknown };
