/** One file of a server -> a file here, whole and checked or not at all: never a half, never an error's page. */
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
  /** without a byte in either direction */
  readonly idleSeconds: number;
  readonly cancel: AbortSignal;
  /** hears how much has come, and of how much where that is known */
  readonly progress?: (bytes: number, of: number | undefined) => void;
}

export type Download =
  | {
      readonly kind: 'there';
      readonly bytes: number;
      /** hexadecimal */
      readonly sha256: string;
      /** false: the server tells no digest, so that only the length could be checked */
      readonly isVerified: boolean;
    }
  | { readonly kind: 'missing' }
  /** asking again would not help */
  | { readonly kind: 'refused'; readonly reason: string }
  /** it may pass */
  | { readonly kind: 'trouble'; readonly reason: string };

/** Never throws; what it leaves behind is the whole file under its name, or nothing. */
export async function download(options: DownloadOptions): Promise<Download> {
  const { target } = options;
  const temporary = temporaryPath(target);
  try {
    const response = await openResponse(options);
    const unusable = judgeAnswer(response, options.url);
    if (unusable !== undefined) {
      response.destroy();
      return unusable;
    }
    const received = await receive(response, temporary, options);
    if (received.kind === 'there') await rename(temporary, target);
    return received;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const isOurs = ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'ENOENT', 'EISDIR', 'ENOTDIR'].includes(code);
    return { kind: isOurs ? 'refused' : 'trouble', reason: describeFailure(error) };
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
      request.destroy(new Error(`nothing came or went for ${idleSeconds} s`));
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end();
  });
}

/** What an answer means by its head alone; undefined: its body is the file. */
function judgeAnswer({ statusCode: status = 0, headers }: IncomingMessage, url: URL): Download | undefined {
  if (status === 404) return { kind: 'missing' };
  if (status === 429 || status === 408 || status >= 500)
    return { kind: 'trouble', reason: `the server answered ${status}` };
  if (status >= 300 && status < 400)
    return { kind: 'refused', reason: `the server answered ${status}: redirects are not followed` };
  if (status === 401 || status === 403)
    return { kind: 'refused', reason: `the server answered ${status}: it wants another SOIL_TOKEN, or none` };
  if (status !== 200) return { kind: 'refused', reason: `the server answered ${status}` };
  const isPage = /^text\/html\b/i.test(headers['content-type'] ?? '') && !/\.html?$/i.test(url.pathname);
  // A portal or a proxy asks for a log-in with 200 and a page of its own.
  if (isPage && headers['repr-digest'] === undefined)
    return { kind: 'refused', reason: 'the server answered with a page of HTML in place of the file' };
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
    return { kind: 'trouble', reason: `the connection ended after ${bytes} bytes of ${expected ?? 'more'}` };
  }
  const handle = await open(temporary, 'r');
  await handle.sync().finally(() => handle.close());
  const sha256 = sum.digest('hex');
  const promised = readDigest(response.headers['repr-digest']);
  if (promised !== undefined && promised !== sha256) {
    return { kind: 'trouble', reason: `what came has SHA-256 ${sha256}, not ${promised}` };
  }
  return { kind: 'there', bytes, sha256, isVerified: promised !== undefined };
}

/** RFC 9530; hexadecimal. */
function readDigest(field: string | string[] | undefined): string | undefined {
  const text = Array.isArray(field) ? field.join(',') : (field ?? '');
  const [, base64] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/i.exec(text) ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex');
}
