/** Verifies Content-Digest and Repr-Digest (RFC 9530) of a request body while it is read. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { accept, refuse, type Result } from '../../model/result.js';
import { digestHeaders, parseDigest } from '../http/digest.js';
import type { UploadRefusal } from './upload-refusal.js';

/** Hashes the bytes of a body, in their order, and compares the hash with what the headers declare. */
export interface BodyDigest {
  readonly update: (chunk: Buffer) => void;
  /** called when the body is complete; returns why it is not what was declared */
  readonly verify: () => UploadRefusal | undefined;
}

/** Returns the verification of a body with these headers; undefined if they declare no digest. */
export function bodyDigest(headers: IncomingHttpHeaders): Result<BodyDigest | undefined, UploadRefusal> {
  const declared: { readonly header: string; readonly sha256: string }[] = [];
  for (const header of digestHeaders) {
    const field = headers[header.toLowerCase()];
    const parsed = parseDigest(header, Array.isArray(field) ? field.join(',') : field);
    if (!parsed.ok) return refuse({ kind: 'digest-refused', reason: parsed.error });
    if (parsed.value !== undefined) declared.push({ header, sha256: parsed.value });
  }
  if (declared.length === 0) return accept(undefined);
  const hash = createHash('sha256');
  return accept({
    update: (chunk) => hash.update(chunk),
    verify: () => {
      const sha256 = hash.digest('hex');
      const wrong = declared.find((one) => one.sha256 !== sha256);
      if (wrong === undefined) return undefined;
      const reason = `cannot accept the body: its SHA-256 is ${sha256}, but ${wrong.header} has ${wrong.sha256}`;
      return { kind: 'digest-refused', reason };
    },
  });
}
