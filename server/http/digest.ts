/** SHA-256 digests of files for readers that ask for one (RFC 9530): headers in, headers out; computed once for each file. */
import { createHash } from 'node:crypto';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { Body } from '../../wwz/body.js';

/** The field's value for a digest in hexadecimal: `sha-256=:BASE64:`. */
export const formatDigest = (sha256: string): string =>
  `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;

/** Whether `Want-Repr-Digest` asks for SHA-256: a preference of 0 does not. */
export function wantsDigest(field: string | undefined): boolean {
  return (field ?? '').split(',').some((item) => /^\s*sha-256\s*=\s*0*([1-9]|10)\s*$/i.test(item));
}

/** The SHA-256 in `Repr-Digest`, hexadecimal; undefined where the field has none. Other algorithms are passed over. */
export function parseDigest(field: string | undefined): Result<string | undefined> {
  for (const item of (field ?? '').split(',')) {
    const [, text] = /^\s*sha-256\s*=\s*(.*?)\s*$/i.exec(item) ?? [];
    if (text === undefined) continue;
    const [, base64 = ''] = /^:([A-Za-z0-9+/]{43}=):$/.exec(text) ?? [];
    if (base64 === '') {
      return refuse(
        `cannot accept Repr-Digest ${quote(text)}: a SHA-256 is 44 base64 characters between colons`,
      );
    }
    return accept(Buffer.from(base64, 'base64').toString('hex'));
  }
  return accept(undefined);
}

/** So many files' digests are remembered: 100 bytes each. */
const remembered = 10_000;
/** By a file's identity, which changes whenever its content may have. */
const known = new Map<string, Promise<string>>();

/** The SHA-256 of a file's content, hexadecimal. Anybody may ask: a file is read for it once, however often they do. */
export function digestOf(identity: string, read: () => Promise<Body>): Promise<string> {
  const before = known.get(identity);
  if (before !== undefined) return before;
  const digest = hash(read);
  known.set(identity, digest);
  digest.catch(() => known.delete(identity));
  if (known.size > remembered) known.delete(known.keys().next().value ?? '');
  return digest;
}

async function hash(read: () => Promise<Body>): Promise<string> {
  const sum = createHash('sha256');
  const body = await read();
  if (Buffer.isBuffer(body)) sum.update(body);
  else for await (const piece of body) sum.update(piece);
  return sum.digest('hex');
}
