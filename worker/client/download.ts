/** Downloads one file from a server, and verifies it before it appears at its path. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { temporaryPath } from '../../files/atomic-file.js';
import { describeFailure } from './http-client.js';

export interface DownloadOptions {
  readonly url: URL;
  /** absolute path; replaced by a rename */
  readonly target: string;
  readonly token?: string;
  /** time limit without a byte in either direction */
  readonly idleSeconds: number;
  readonly cancel: AbortSignal;
  /** called with the bytes received so far, and their total if it is known */
  readonly progress?: (bytes: number, of: number | undefined) => void;
}

export type Download =
  | {
      readonly kind: 'downloaded';
      readonly bytes: number;
      /** hexadecimal */
      readonly sha256: string;
      /** false: the server sends no digest, so only the length was checked */
      readonly isVerified: boolean;
    }
  | { readonly kind: 'missing' }
  /** a retry would not help */
  | { readonly kind: 'refused'; readonly reason: string }
  /** a retry may help */
  | { readonly kind: 'failure'; readonly reason: string };

/** Downloads a file. Never throws. Afterwards `target` is the complete file, or unchanged. */
export async function download(options: DownloadOptions): Promise<Download> {
  const { target } = options;
  const temporary = temporaryPath(target);
  try {
    const response = await openResponse(options);
    const unusable = checkHeaders(response, options.url);
    if (unusable !== undefined) {
      response.destroy();
      return unusable;
    }
    const received = await receive(response, temporary, options);
    if (received.kind === 'downloaded') await rename(temporary, target);
    return received;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const isLocal = ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'ENOENT', 'EISDIR', 'ENOTDIR'].includes(code);
    return { kind: isLocal ? 'refused' : 'failure', reason: describeFailure(error) };
  } finally {
    await rm(temporary, { force: true });
  }
}

function openResponse({ url, token, idleSeconds, cancel }: DownloadOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = start(url, {
      headers: {
        'user-agent': 'soil-worker',
        accept: '*/*',
        'accept-encoding': 'identity',
        'cache-control': 'no-cache',
        'want-repr-digest': 'sha-256=10',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      agent: false,
      signal: cancel,
    });
    request.setTimeout(idleSeconds * 1000, () => {
      request.destroy(new Error(`no data in either direction for ${idleSeconds} s`));
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end();
  });
}

/** Returns why the answer cannot be used, or undefined if its body is the file. */
function checkHeaders({ statusCode: status = 0, headers }: IncomingMessage, url: URL): Download | undefined {
  if (status === 404) return { kind: 'missing' };
  if (status === 429 || status === 408 || status >= 500)
    return { kind: 'failure', reason: `the server answered ${status}` };
  if (status >= 300 && status < 400)
    return { kind: 'refused', reason: `the server answered ${status}: redirects are not followed` };
  if (status === 401 || status === 403)
    return {
      kind: 'refused',
      reason: `the server answered ${status}: SOIL_TOKEN is missing or not valid here`,
    };
  if (status !== 200) return { kind: 'refused', reason: `the server answered ${status}` };
  const isPage = /^text\/html\b/i.test(headers['content-type'] ?? '') && !/\.html?$/i.test(url.pathname);
  // Portals and proxies answer with 200 and a login page.
  if (isPage && headers['repr-digest'] === undefined)
    return { kind: 'refused', reason: 'the server answered with an HTML page instead of the file' };
  return undefined;
}

async function receive(
  response: IncomingMessage,
  temporary: string,
  { progress, cancel }: DownloadOptions,
): Promise<Download> {
  const length = response.headers['content-length'];
  const expected = length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
  const sum = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      sum.update(chunk);
      progress?.(bytes, expected);
      done(null, chunk);
    },
  });
  await pipeline(response, count, createWriteStream(temporary, { flags: 'wx', mode: 0o644 }), {
    signal: cancel,
  });
  if (!response.complete || (expected !== undefined && bytes !== expected)) {
    return { kind: 'failure', reason: `the connection closed after ${bytes} of ${expected ?? 'more'} bytes` };
  }
  const handle = await open(temporary, 'r');
  await handle.sync().finally(() => handle.close());
  const sha256 = sum.digest('hex');
  const expectedSha256 = readDigest(response.headers['repr-digest']);
  if (expectedSha256 !== undefined && expectedSha256 !== sha256) {
    return { kind: 'failure', reason: `the downloaded file has SHA-256 ${sha256}, not ${expectedSha256}` };
  }
  return { kind: 'downloaded', bytes, sha256, isVerified: expectedSha256 !== undefined };
}

/** Returns the SHA-256 of a Repr-Digest field (RFC 9530) in hexadecimal. */
function readDigest(field: string | string[] | undefined): string | undefined {
  const text = Array.isArray(field) ? field.join(',') : (field ?? '');
  const [, base64] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/i.exec(text) ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex');
}
