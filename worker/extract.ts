/** A wwz -> its files in a folder, by unzipper, after every byte of it was verified. */
import { constants, createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Open, type File } from 'unzipper';
import { accept, quote, refuse, type Result } from '../model/result.js';
import type { WwzSummary } from '../wwz/claim.js';
import { parseEntryName } from '../wwz/entry-name.js';
import { defaultWwzLimits, type WwzLimits } from '../wwz/limits.js';
import { verifyWwzHandle } from '../wwz/verify.js';

export interface ExtractOptions {
  readonly limits?: WwzLimits;
}

/**
 * Unpacks `wwz` into `folder`, which must be empty or not there yet: nothing is ever overwritten, and no symlink can
 * stand in the way. The file is verified first, through the same descriptor that is then read, so that nobody can give
 * it another content in between. Refuses whatever verification refuses.
 */
export async function extractWwz(
  wwz: string,
  folder: string,
  { limits = defaultWwzLimits }: ExtractOptions = {},
): Promise<Result<WwzSummary>> {
  const because = (reason: string) => refuse(`cannot extract ${quote(wwz, 300)}: ${reason}`);
  try {
    const handle = await open(wwz, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const verified = await verifyWwzHandle(handle, limits);
      if (!verified.ok) return because(verified.error);
      await mkdir(folder, { recursive: true });
      if ((await readdir(folder)).length > 0) return because(`the folder ${quote(folder, 300)} is not empty`);
      await unpack(handle, folder);
      return verified;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return because((error as Error).message);
  }
}

async function unpack(handle: FileHandle, folder: string): Promise<void> {
  const size = (await handle.stat()).size;
  const readers = new Set<ReadStream>();
  const source = {
    size: () => Promise.resolve(size),
    stream(start: number, length?: number) {
      const end = length === undefined ? size : Math.min(size, start + length);
      const reader = createReadStream('', { fd: handle.fd, autoClose: false, start, end: end - 1 });
      readers.add(reader);
      reader.once('close', () => readers.delete(reader));
      return reader;
    },
  };
  try {
    const made = new Set<string>();
    for (const file of (await Open.custom(source)).files) await unpackEntry(file, { folder, made });
  } finally {
    // unzipper leaves the reader of the directory open; none may outlive the descriptor.
    for (const reader of readers) {
      if (reader.closed) continue;
      reader.destroy();
      await once(reader, 'close');
    }
  }
}

interface Destination {
  readonly folder: string;
  /** folders that exist already */
  readonly made: Set<string>;
}

async function unpackEntry(file: File, { folder, made }: Destination): Promise<void> {
  const name = parseEntryName(file.pathBuffer);
  if (!name.ok) throw new Error(name.error);
  const path = join(folder, name.value);
  const parent = name.value.endsWith('/') ? path : dirname(path);
  if (!made.has(parent)) {
    await mkdir(parent, { recursive: true });
    made.add(parent);
  }
  if (name.value.endsWith('/')) return;
  const output = createWriteStream(path, { flags: 'wx', mode: 0o644 });
  // For an empty entry unzipper searches its end in what follows.
  if (file.uncompressedSize === 0) {
    output.end();
    await once(output, 'close');
  } else {
    await pipeline(file.stream(), output);
  }
}
