/** Finds and opens the file at a public path of the site, safely. */
import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import { sep } from 'node:path';
import { parsePublicPath, type SitePath } from '../../model/path.js';
import { fileSource, pieceBytes, readRange } from '../../wwz/byte-source.js';
import type { Body } from '../../wwz/body.js';
import { fileIdentity, modifiedSeconds } from '../../wwz/open.js';
import { contentType, isText, plainText } from '../http/content-type.js';
import type { Representation } from '../http/send-representation.js';
import { digestOf } from '../http/digest.js';
import { areaHeaders, areaOf } from '../http/security-headers.js';

/**
 * Returns the real path of a file or folder of the site, symlinks resolved; undefined if it does not exist, is outside
 * the site, or below a name that begins with a dot. `root` is a real path. One call to realpath(3) is cheaper than
 * opening folder by folder, and safe: only the server itself writes to the site.
 */
export async function findInSite(root: string, path: string): Promise<string | undefined> {
  let real: string;
  try {
    real = await realpath(`${root}${sep}${path}`);
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    throw error;
  }
  if (real === root) return real;
  if (!real.startsWith(root + sep)) return undefined;
  return parsePublicPath(real.slice(root.length + 1)).ok ? real : undefined;
}

/** Reports whether an error of the file system means that there is no public file at a path. */
export function isNotFoundError(error: unknown): boolean {
  const codes = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES', 'EINVAL'];
  return codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

export type OpenedFile =
  | { readonly kind: 'file'; readonly handle: FileHandle; readonly representation: Representation }
  | { readonly kind: 'folder' }
  | { readonly kind: 'missing' };

/** Opens a real path of the site. The caller closes the handle once the representation is sent. */
export async function openSiteFile(real: string, path: SitePath): Promise<OpenedFile> {
  let handle: FileHandle;
  try {
    // Non-blocking, since opening a FIFO would block a thread until another process opens it for writing.
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isNotFoundError(error)) return { kind: 'missing' };
    throw error;
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) {
      const source = {
        handle,
        size: Number(stats.size),
        tag: fileIdentity(stats),
        modified: modifiedSeconds(stats),
      };
      return { kind: 'file', handle, representation: representFile(path, source) };
    }
    await handle.close();
    return { kind: stats.isDirectory() ? 'folder' : 'missing' };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface FileContent {
  readonly handle: FileHandle;
  readonly size: number;
  readonly tag: string;
  readonly modified: number;
}

/** Smaller files are not worth compressing. */
const gzipFromBytes = 1024;

function representFile(path: SitePath, { handle, size, tag, modified }: FileContent): Representation {
  const area = areaOf(path);
  const type = area === 'status' ? plainText : contentType(path);
  const source = fileSource(handle, size);
  const plain: Representation['plain'] = async ({ start, end } = { start: 0, end: size }) => {
    if (end - start > pieceBytes) return readRange(source, start, end);
    const bytes = await source.read(start, end - start);
    if (bytes.length === end - start) return bytes;
    throw new Error(`cannot read ${JSON.stringify(path)}: the file became shorter`);
  };
  const digest = (): Promise<string> => digestOf(tag, plain);
  const common = { type, headers: areaHeaders(area), tag, modified, size, plain, digest };
  if (size < gzipFromBytes || !isText(type)) return common;
  return { ...common, gzip: { body: async () => gzipped(await plain()) } };
}

/** A low level, since pages are many, change often, and are compressed for each response that is not cached. */
const gzipOptions = { level: 4 };
const gzipBuffer = promisify<Buffer, typeof gzipOptions, Buffer>(gzip);

const gzipped = (body: Body): Promise<Body> =>
  Buffer.isBuffer(body) ? gzipBuffer(body, gzipOptions) : Promise.resolve(gzippedPieces(body));

async function* gzippedPieces(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = Readable.from(body);
  const gzip = createGzip(gzipOptions);
  // pipeline() destroys gzip with an error of the input, which the loop below throws.
  pipeline(input, gzip, () => undefined);
  try {
    for await (const piece of gzip as AsyncIterable<Buffer>) yield piece;
  } finally {
    gzip.destroy();
    input.destroy();
  }
}
