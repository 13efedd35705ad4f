/** A public path of the site -> the file on disk, found safely, and as something that can be served. */
import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import { sep } from 'node:path';
import { parsePublicPath, type SitePath } from '../../model/path.js';
import { fileSource, pieceBytes, readRange } from '../../wwz/byte-source.js';
import type { Body } from '../../wwz/body.js';
import { fileIdentity } from '../../wwz/open.js';
import { contentType, isText, plainText } from '../http/content-type.js';
import type { Representation } from '../http/send-representation.js';
import { digestOf } from '../http/digest.js';
import { areaHeaders, areaOf } from '../http/security-headers.js';

/**
 * The real path of something in the site, symlinks resolved, or undefined where nothing is there for the public: not
 * there, outside the site, or below a name that begins with a dot. `root` is a real path. One call to realpath(3) is
 * cheaper than opening folder by folder; only the server itself may write in the site, so nobody races it.
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

/** Whether the file system said that there is no such thing, in one of its ways. */
export function isNotFoundError(error: unknown): boolean {
  const absent = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES', 'EINVAL'];
  return absent.includes((error as NodeJS.ErrnoException).code ?? '');
}

export type OpenedFile =
  | { readonly kind: 'file'; readonly handle: FileHandle; readonly representation: Representation }
  | { readonly kind: 'folder' }
  | { readonly kind: 'nothing' };

/** Opens a real path of the site. The caller closes the handle when the representation has been sent. */
export async function openSiteFile(real: string, path: SitePath): Promise<OpenedFile> {
  let handle: FileHandle;
  try {
    // Not blocking: a FIFO would hold a thread until somebody writes to it.
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isNotFoundError(error)) return { kind: 'nothing' };
    throw error;
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) {
      const source = { handle, size: Number(stats.size), tag: fileIdentity(stats) };
      return { kind: 'file', handle, representation: representFile(path, source) };
    }
    await handle.close();
    return { kind: stats.isDirectory() ? 'folder' : 'nothing' };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface FileContent {
  readonly handle: FileHandle;
  readonly size: number;
  readonly tag: string;
}

/** Smaller files are not worth a compressor. */
const gzipFromBytes = 1024;

function representFile(path: SitePath, { handle, size, tag }: FileContent): Representation {
  const area = areaOf(path);
  const type = area === 'status' ? plainText : contentType(path);
  const source = fileSource(handle, size);
  const plain: Representation['plain'] = async ({ start, end } = { start: 0, end: size }) => {
    if (end - start > pieceBytes) return readRange(source, start, end);
    const bytes = await source.read(start, end - start);
    if (bytes.length === end - start) return bytes;
    throw new Error(`cannot read ${JSON.stringify(path)}: it became shorter`);
  };
  const digest = (): Promise<string> => digestOf(tag, plain);
  const common = { type, headers: areaHeaders(area), tag, size, plain, digest };
  if (size < gzipFromBytes || !isText(type)) return common;
  return { ...common, gzip: { body: async () => gzipped(await plain()) } };
}

/** Pages are many and change often: they are compressed as they are sent, lightly. */
const gzipOptions = { level: 4 };
const gzipAtOnce = promisify<Buffer, typeof gzipOptions, Buffer>(gzip);

const gzipped = (body: Body): Promise<Body> =>
  Buffer.isBuffer(body) ? gzipAtOnce(body, gzipOptions) : Promise.resolve(gzippedPieces(body));

async function* gzippedPieces(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = Readable.from(body);
  const gzip = createGzip(gzipOptions);
  // An error of the input reaches gzip through pipeline, and is thrown by the loop below.
  pipeline(input, gzip, () => undefined);
  try {
    for await (const piece of gzip as AsyncIterable<Buffer>) yield piece;
  } finally {
    gzip.destroy();
    input.destroy();
  }
}
