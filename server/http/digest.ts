/** Parses and formats the digest headers of RFC 9530, and computes the SHA-256 of each file once. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { Body } from '../../wwz/body.js';

/** Formats a hexadecimal digest as a field value: `sha-256=:BASE64:`. */
export const formatDigest = (sha256: string): string =>
  `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;

/** Reports whether `Want-Repr-Digest` asks for SHA-256. A preference of 0 means no. */
export function wantsDigest(field: string | undefined): boolean {
  return (field ?? '').split(',').some((item) => /^\s*sha-256\s*=\s*0*([1-9]|10)\s*$/i.test(item));
}

/** The headers of a request that declare a digest of its body. */
export const digestHeaders = ['Content-Digest', 'Repr-Digest'] as const;

/** Parses the SHA-256 in a header, to hexadecimal. Returns undefined without the header, and refuses one without SHA-256. */
export function parseDigest(
  header: (typeof digestHeaders)[number],
  field: string | undefined,
): Result<string | undefined> {
  if (field === undefined) return accept(undefined);
  for (const item of field.split(',')) {
    const [, text] = /^\s*sha-256\s*=\s*(.*?)\s*$/i.exec(item) ?? [];
    if (text === undefined) continue;
    const [, base64 = ''] = /^:([A-Za-z0-9+/]{43}=):$/.exec(text) ?? [];
    if (base64 === '') {
      return refuse(
        `cannot accept ${header} ${quote(text)}: a SHA-256 is 44 base64 characters between colons`,
      );
    }
    return accept(Buffer.from(base64, 'base64').toString('hex'));
  }
  return refuse(`cannot verify ${header} ${quote(field)}: it must have sha-256`);
}

/** By the identity of a file, which changes when its content may have changed. An entry takes some 100 bytes. */
const digests = new LRUCache<string, Promise<string>>({ max: 10_000 });

/** Returns the SHA-256 of a file's content, hexadecimal. Reads the file once, also for concurrent requests. */
export function digestOf(identity: string, read: () => Promise<Body>): Promise<string> {
  const known = digests.get(identity);
  if (known !== undefined) return known;
  const digest = hash(read);
  digests.set(identity, digest);
  digest.catch(() => digests.delete(identity));
  return digest;
}

async function hash(read: () => Promise<Body>): Promise<string> {
  const sha256 = createHash('sha256');
  const body = await read();
  if (Buffer.isBuffer(body)) sha256.update(body);
  else for await (const piece of body) sha256.update(piece);
  return sha256.digest('hex');
}
