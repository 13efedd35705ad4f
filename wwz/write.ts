/** Files and bytes -> a wwz, through archiver: the same inputs give the same bytes on every machine. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { ZipArchive } from 'archiver';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { parseEntryName } from './entry-name.js';

/** One entry: a name inside the wwz, and where its bytes come from. */
export type WwzSource =
  { readonly name: string; readonly path: string } | { readonly name: string; readonly bytes: Buffer };

export interface WrittenWwz {
  readonly files: number;
  /** of the whole zip */
  readonly bytes: number;
}

/** A zip's dates begin here; archiver writes them as UTC. */
const fixedTime = new Date('1980-01-01T00:00:00Z');
const fixedMode = 0o644;
/** To deflate these once more costs time and gains nothing. */
const compressed = /\.(7z|avif|br|bz2|gif|gz|jpe?g|mp[34]|ogg|pdf|png|tgz|webm|webp|woff2?|wwz|xz|zip|zst)$/i;

/**
 * Writes a wwz, whole or not at all: a temporary file beside it, fsync, rename. Memory does not grow with the sources.
 * Refuses names that no reader should accept, names that come twice, `a` beside `a/b`, and files that cannot be read.
 */
export async function writeWwz(target: string, sources: readonly WwzSource[]): Promise<Result<WrittenWwz>> {
  const sorted = [...sources].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const names = checkNames(sorted);
  if (!names.ok) return names;
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    const bytes = await writeZip(temporary, sorted);
    await rename(temporary, target);
    return accept({ files: sorted.length, bytes });
  } catch (error) {
    await rm(temporary, { force: true });
    return refuse(
      `cannot write ${quote(target, 200)}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function checkNames(sources: readonly WwzSource[]): Result<undefined> {
  const names = new Set<string>();
  for (const { name } of sources) {
    const parsed = parseEntryName(name);
    if (!parsed.ok) return parsed;
    if (name.endsWith('/'))
      return refuse(`cannot accept entry ${quote(name, 200)}: it is a folder, not a file`);
    if (names.has(name)) return refuse(`cannot accept entry ${quote(name, 200)}: it comes twice`);
    names.add(name);
  }
  for (const { name } of sources) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      if (names.has(name.slice(0, at))) {
        return refuse(`cannot accept entry ${quote(name, 200)}: ${quote(name.slice(0, at))} is a file`);
      }
    }
  }
  return accept(undefined);
}

async function writeZip(file: string, sources: readonly WwzSource[]): Promise<number> {
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const output = createWriteStream(file, { mode: 0o644 });
  const failed = new Promise<never>((_, reject) => {
    archive.on('error', reject);
    archive.on('warning', reject);
    output.on('error', reject);
  });
  failed.catch(() => undefined); // told through the races below; after the last one nobody asks
  archive.pipe(output);
  try {
    for (const source of sources) {
      const written = once(archive, 'entry');
      const input = 'bytes' in source ? source.bytes : createReadStream(source.path);
      const unreadable = new Promise<never>((_, reject) => {
        if (!Buffer.isBuffer(input)) input.on('error', reject);
      });
      archive.append(input, {
        name: source.name,
        date: fixedTime,
        mode: fixedMode,
        store: compressed.test(source.name),
      });
      // One entry at a time: no more than one file is open.
      await Promise.race([written, failed, unreadable]);
    }
    await Promise.race([Promise.all([archive.finalize(), finished(output)]), failed]);
  } catch (error) {
    archive.abort();
    output.destroy();
    throw error;
  }
  const handle = await open(file, 'r');
  await handle.sync();
  await handle.close();
  return (await stat(file)).size;
}
