/** Writes a wwz with archiver. Its bytes depend only on the names and contents of the files. */
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipArchive } from 'archiver';
import { replaceFile } from '../files/atomic-file.js';
import { errorMessage } from '../model/error-message.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { checkEntryName, compareNames, findNameClash } from './entry-name.js';
import { defaultWwzLimits } from './limits.js';

/** A file to write into the wwz. Folders are implied by the names of files. */
export type WwzSource = {
  readonly name: string;
  /** stored without compression */
  readonly isStored?: boolean;
} & (
  | { readonly kind: 'file'; /** not a link */ readonly path: string }
  | {
      readonly kind: 'opened';
      /** opens the file for reading; its content goes into the wwz, and it is closed */
      readonly open: () => Promise<FileHandle>;
    }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
);

export interface WrittenWwz {
  readonly files: number;
  /** of the wwz itself */
  readonly bytes: number;
}

/**
 * Writes a wwz to `target`, or does not change `target`. Refuses invalid names, colliding names, sources that are not
 * regular files, such as symlinks, and errors of the file system. Memory use does not depend on the sizes of files.
 */
export async function writeWwz(target: string, sources: readonly WwzSource[]): Promise<Result<WrittenWwz>> {
  const names = checkNames(sources);
  if (!names.ok) return names;
  try {
    const bytes = await replaceFile(target, (temporary) => writeArchive(temporary, sources), { sync: true });
    return accept({ files: sources.length, bytes });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === undefined ? undefined : errorMessage(error);
    if (error instanceof SourceError) return refuse(error.message);
    if (reason === undefined) throw error;
    return refuse(`cannot write ${quote(target, 300)}: ${reason}`);
  }
}

/** A source cannot be read. The message is complete. */
class SourceError extends Error {}

function checkNames(sources: readonly WwzSource[]): Result<readonly WwzSource[]> {
  if (sources.length > defaultWwzLimits.entries) {
    return refuse(`cannot write a wwz of ${sources.length} files: the limit is ${defaultWwzLimits.entries}`);
  }
  for (const { name } of sources) {
    const checked = checkWritableName(name);
    if (!checked.ok) return checked;
  }
  const clash = findNameClash(sources.map((source) => source.name));
  if (clash === undefined) return accept(sources);
  return refuse(`cannot write entry ${quote(clash[1])}: it collides with entry ${quote(clash[0])}`);
}

/** Checks a name for writeWwz(): the server must accept it for a file, and archiver must not change it. */
export function checkWritableName(name: string): Result<string> {
  const checked = checkEntryName(name);
  if (!checked.ok) return checked;
  const because = (reason: string) => refuse(`cannot accept entry ${quote(name)}: ${reason}`);
  if (name.endsWith('/')) return because('it is the name of a folder; folders are implied by their files');
  // archiver removes it like a drive letter: "http:x" would become "x".
  if (/^\w+:/.test(name)) return because('its name starts like a drive or a URL');
  return checked;
}

/** The earliest time that a zip can represent. */
const fixedTime = new Date(Date.UTC(1980, 0, 1));
const fixedMode = 0o644;
/** Smaller files are read with one call. With streams, 20,000 small files would take much longer. */
const wholeBytes = 256 * 1024;

async function writeArchive(path: string, sources: readonly WwzSource[]): Promise<number> {
  const handle = await open(path, 'wx', 0o644);
  try {
    const archive = new ZipArchive({ zlib: { level: 6 } });
    const written = pipeline(archive, (pieces: AsyncIterable<Buffer>) => writePieces(handle, pieces));
    // When the disk is full, the current entry would wait forever, so a failed write aborts it.
    const stop = new AbortController();
    written.catch((error: unknown) => {
      stop.abort(error);
    });
    archive.on('warning', (error) => {
      archive.destroy(error);
    });
    try {
      for (const source of [...sources].sort((a, b) => compareNames(a.name, b.name))) {
        await appendSource(archive, source, stop.signal);
      }
      await archive.finalize();
      const length = await written;
      await handle.sync();
      return length;
    } catch (error) {
      archive.destroy();
      await written.catch(() => undefined);
      throw stop.signal.aborted && !(error instanceof SourceError) ? stop.signal.reason : error;
    }
  } finally {
    await handle.close();
  }
}

/** Writes all pieces and returns the number of bytes. Buffers them, since archiver's pieces are tiny. */
async function writePieces(handle: FileHandle, pieces: AsyncIterable<Buffer>): Promise<number> {
  let written = 0;
  let buffered: Buffer[] = [];
  let bufferedBytes = 0;
  const flush = async () => {
    // Unlike write(), appendFile() continues until everything is written.
    await handle.appendFile(Buffer.concat(buffered));
    written += bufferedBytes;
    buffered = [];
    bufferedBytes = 0;
  };
  for await (const piece of pieces) {
    buffered.push(piece);
    bufferedBytes += piece.length;
    if (bufferedBytes >= wholeBytes) await flush();
  }
  await flush();
  return written;
}

async function appendSource(archive: ZipArchive, source: WwzSource, signal: AbortSignal): Promise<void> {
  if (source.kind === 'bytes') {
    const bytes = Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength);
    await appendContent(archive, { ...source, content: asContent(bytes), signal });
    return;
  }
  const handle = await openSource(source);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new SourceError(`cannot read ${quote(shownSource(source), 300)}: not a regular file`);
    }
    const content =
      stats.size <= wholeBytes
        ? asContent(await handle.readFile())
        : handle.createReadStream({ autoClose: false });
    await appendContent(archive, { ...source, content, signal });
  } finally {
    await handle.close();
  }
}

/** Returns large contents as a stream, so that archiver writes the same headers for bytes and for files. */
const asContent = (bytes: Buffer): Buffer | Readable =>
  bytes.length <= wholeBytes ? bytes : Readable.from([bytes]);

type FileSource = Exclude<WwzSource, { readonly kind: 'bytes' }>;

const shownSource = (source: FileSource): string => (source.kind === 'file' ? source.path : source.name);

async function openSource(source: FileSource): Promise<FileHandle> {
  try {
    if (source.kind === 'opened') return await source.open();
    return await open(source.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new SourceError(`cannot read ${quote(shownSource(source), 300)}: ${errorMessage(error)}`);
  }
}

interface NamedContent extends Pick<WwzSource, 'name' | 'isStored'> {
  readonly content: Buffer | Readable;
  readonly signal: AbortSignal;
}

/** Appends one entry and waits until it is written, so that only one file at a time is open or in memory. */
async function appendContent(
  archive: ZipArchive,
  { name, isStored = false, content, signal }: NamedContent,
): Promise<void> {
  signal.throwIfAborted();
  const data = { name, date: fixedTime, mode: fixedMode, store: isStored || isCompressedType(name) };
  const fault = new AbortController();
  const done = once(archive, 'entry', { signal: AbortSignal.any([signal, fault.signal]) });
  if (Buffer.isBuffer(content)) archive.append(content, data);
  else {
    content.on('error', (error) => {
      fault.abort(new SourceError(`cannot read the content of entry ${quote(name)}: ${error.message}`));
    });
    archive.append(content.pipe(new PassThrough()), data);
  }
  try {
    await done;
  } catch (error) {
    if (!Buffer.isBuffer(content)) content.destroy();
    throw fault.signal.aborted ? fault.signal.reason : error;
  }
}

/** Extensions of compressed types. Such files are stored, not deflated. */
const compressedExtensions = new Set(
  (
    '7z apk avif br bz2 deb docx flac gif gz heic jar jpeg jpg lz lz4 lzma m4a m4v mkv mov mp3 mp4 odt ogg opus pdf ' +
    'png pptx rar rpm tbz tgz txz webm webp whl woff woff2 wwz xlsx xz zip zst'
  ).split(' '),
);

function isCompressedType(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 && compressedExtensions.has(name.slice(dot + 1).toLowerCase());
}
