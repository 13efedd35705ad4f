/** Unpacks a wwz into a folder with unzipper, after verifying all of it. */
import { constants, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Open, type File } from 'unzipper';
import { fileErrorMessage } from '../model/error-message.js';
import { quote, refuse, type Result } from '../model/result.js';
import { fileSource, readRange } from './byte-source.js';
import { parseEntryName } from './entry-name.js';
import { defaultWwzLimits, type WwzLimits } from './limits.js';
import { verifyWwzHandle, type WwzSummary } from './verify.js';

export interface UnpackOptions {
  readonly limits?: WwzLimits;
}

/**
 * Unpacks `wwz` into `folder`, which must be empty or missing, so that no file is overwritten and no symlink followed. The
 * file is verified first, through the descriptor that is then read, so it cannot be replaced in between.
 */
export async function unpackWwz(
  wwz: string,
  folder: string,
  { limits = defaultWwzLimits }: UnpackOptions = {},
): Promise<Result<WwzSummary>> {
  const because = (reason: string) => refuse(`cannot extract ${quote(wwz, 300)}: ${reason}`);
  try {
    const handle = await open(wwz, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const verified = await verifyWwzHandle(handle, limits);
      if (!verified.ok) return because(verified.error);
      await mkdir(folder, { recursive: true });
      if ((await readdir(folder)).length > 0) return because(`folder ${quote(folder, 300)} is not empty`);
      await unpack(handle, { folder, commentBytes: verified.value.commentBytes });
      return verified;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return because(fileErrorMessage(error));
  }
}

interface Unpacking {
  readonly folder: string;
  readonly commentBytes: number;
}

/** unzipper's second argument, which its types lack. */
type OpenCustom = (
  source: Parameters<typeof Open.custom>[0],
  options: { readonly tailSize: number },
) => ReturnType<typeof Open.custom>;

const endRecordLength = 22;

async function unpack(handle: FileHandle, { folder, commentBytes }: Unpacking): Promise<void> {
  const bytes = fileSource(handle, (await handle.stat()).size);
  const readers = new Set<Readable>();
  const source = {
    size: () => Promise.resolve(bytes.size),
    // Not a ReadStream: unzipper destroys the streams it has read, which would close the descriptor.
    stream(start: number, length?: number) {
      const end = length === undefined ? bytes.size : Math.min(bytes.size, start + length);
      const reader = Readable.from(readRange(bytes, start, end), { objectMode: false });
      readers.add(reader);
      reader.once('close', () => readers.delete(reader));
      return reader;
    },
  };
  try {
    const created = new Set<string>();
    // `tailSize` keeps unzipper from taking other bytes for the end record.
    const { files } = await (Open.custom as OpenCustom)(source, { tailSize: endRecordLength + commentBytes });
    for (const file of files) await unpackEntry(file, { folder, created });
  } finally {
    // unzipper does not close the reader of the directory, which must end before the descriptor is closed.
    for (const reader of readers) reader.destroy();
  }
}

interface Destination {
  readonly folder: string;
  /** folders that exist already */
  readonly created: Set<string>;
}

async function unpackEntry(file: File, { folder, created }: Destination): Promise<void> {
  const name = parseEntryName(file.pathBuffer);
  if (!name.ok) throw new Error(name.error);
  const path = join(folder, name.value);
  const parent = name.value.endsWith('/') ? path : dirname(path);
  if (!created.has(parent)) {
    await mkdir(parent, { recursive: true });
    created.add(parent);
  }
  if (name.value.endsWith('/')) return;
  const output = createWriteStream(path, { flags: 'wx', mode: 0o644 });
  // unzipper would search the following bytes for the end of an empty entry.
  if (file.uncompressedSize === 0) {
    output.end();
    await once(output, 'close');
  } else {
    await pipeline(file.stream(), output);
  }
}
