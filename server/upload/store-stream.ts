/** Writes a stream of bytes to a new file and hashes it. Stores request bodies and the files of forms. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { accept, refuse, type Result } from '../../model/result.js';
import type { QuotaReservation } from './quota.js';
import type { UploadRefusal } from './upload-refusal.js';

export interface StoredFile {
  readonly bytes: number;
  /** in hexadecimal */
  readonly sha256: string;
}

/** Called with the number of bytes received so far. Returns a refusal if that is too many. */
export type ByteCheck = (received: number) => UploadRefusal | undefined;

/** Checks the bytes of one request body against its limit and its reservation. */
export function bodyCheck(maxBytes: number, reservation?: QuotaReservation): ByteCheck {
  return (received) =>
    received > maxBytes ? { kind: 'body-too-large', maxBytes } : reservation?.extend(received);
}

/**
 * Stores the stream at `path`, which must not exist. On return the bytes are on disk. After a refusal or an error,
 * the caller removes the file. Rejects if the stream or the disk fails; isDiskError() distinguishes them.
 */
export async function storeStream(
  stream: AsyncIterable<Buffer>,
  path: string,
  check: ByteCheck,
): Promise<Result<StoredFile, UploadRefusal>> {
  const handle = await open(path, 'wx', 0o644);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      bytes += chunk.length;
      const refusal = check(bytes);
      if (refusal !== undefined) return refuse(refusal);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
    return accept({ bytes, sha256: hash.digest('hex') });
  } finally {
    await handle.close();
  }
}

/** Reports whether an error is one of the disk. Errors of a connection have no system call, or `read`. */
export function isDiskError(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall !== undefined && syscall !== 'read';
}
