/**
 * Unpacks the tar in which results and artifacts come back from a task host that cannot mount the repo. The host may send
 * anything: only regular files that were asked for are written, each once, into a new folder of the worker.
 */
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { extract, type Header } from 'tar-stream';
import { errorMessage } from '../../model/error-message.js';
import { quote } from '../../model/result.js';

export interface UnpackOptions {
  /** an empty folder of the worker that no task can write */
  readonly folder: string;
  /** decides which names were asked for */
  readonly isWanted: (name: string) => boolean;
  /** of all files together */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export interface Unpacked {
  readonly files: number;
  readonly bytes: number;
  /** what was refused, as sentences */
  readonly notices: readonly string[];
  /** why the archive ended early */
  readonly failure?: string;
}

/** So that a host cannot fill the terminal and the record. */
const maxNotices = 100;
const kinds: Readonly<Record<string, string>> = {
  symlink: 'a symbolic link',
  link: 'a hard link',
  'block-device': 'a device',
  'character-device': 'a device',
  fifo: 'a pipe',
};

/** Writes the wanted files of a tar. Never throws: a damaged archive is a `failure`, and what was whole stays. */
export async function unpackResults(
  archive: AsyncIterable<Buffer>,
  { folder, isWanted, maxBytes, maxFiles }: UnpackOptions,
): Promise<Unpacked> {
  const seen = new Set<string>();
  const notices: string[] = [];
  let refused = 0;
  let bytes = 0;
  const findProblem = (header: Header, name: string): string | undefined => {
    const kind = kinds[header.type];
    if (kind !== undefined) return `it is ${kind}`;
    // Some tars call a regular file so.
    if (header.type !== 'file' && header.type !== 'contiguous-file') return 'it is no regular file';
    const problem = nameProblem(header.name);
    if (problem !== undefined) return problem;
    if (!isWanted(name)) return 'the job does not declare it';
    if (seen.has(name)) return 'the archive has it twice';
    if (seen.size >= maxFiles) return `there are more than ${maxFiles} files`;
    if (bytes + header.size > maxBytes) return `all results together are larger than ${maxBytes} bytes`;
    return undefined;
  };
  const openWanted = async (header: Header, name: string): Promise<FileHandle | string> => {
    const problem = findProblem(header, name);
    if (problem !== undefined) return problem;
    try {
      await mkdir(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
      return await open(join(folder, name), 'wx', 0o600);
    } catch (error) {
      // Another entry has the name of one of its folders, or the same name in other letters.
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR') return 'another file is in its place';
      throw error;
    }
  };
  const tar = extract();
  const feeding = feed(archive, tar);
  feeding.catch(() => undefined); // awaited after the last entry
  let failure: string | undefined;
  let incomplete: string | undefined;
  try {
    for await (const entry of tar) {
      const { header } = entry;
      const name = header.name.replace(/^(\.\/)+/, '');
      // Folders are made as files need them.
      const target = header.type === 'directory' ? undefined : await openWanted(header, name);
      if (typeof target === 'object') {
        bytes += header.size;
        seen.add(name);
        incomplete = join(folder, name);
        await writeContent(target, entry as unknown as AsyncIterable<Buffer>);
        incomplete = undefined;
        continue;
      }
      entry.resume();
      if (target === undefined) continue;
      refused += 1;
      if (refused <= maxNotices)
        notices.push(`cannot take ${quote(header.name, 300)} from the task host: ${target}`);
    }
    await feeding;
  } catch (error) {
    failure = errorMessage(error);
    tar.destroy(null);
    await feeding.catch(() => undefined);
    if (incomplete !== undefined) await rm(incomplete, { force: true });
  }
  if (refused > maxNotices) notices.push(`and ${refused - maxNotices} other files that were not taken`);
  return { files: seen.size, bytes, notices, ...(failure !== undefined && { failure }) };
}

/** Returns why a name is refused. A harmless name is a path below the folder, without a part that has another meaning. */
function nameProblem(name: string): string | undefined {
  if (name.startsWith('/')) return 'its path is absolute';
  const parts = name.replace(/^(\.\/)+/, '').split('/');
  if (parts.includes('..')) return 'its path has ".."';
  if (parts.some((part) => part === '' || part === '.')) return 'its path has an empty part';
  if (/[\p{Cc}\ufffd]/u.test(name)) return 'its path has a control character or is not UTF-8';
  if (Buffer.byteLength(name) > 4000) return 'its path is longer than 4000 bytes';
  return undefined;
}

async function writeContent(handle: FileHandle, content: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const chunk of content) await handle.writeFile(chunk);
  } finally {
    await handle.close();
  }
}

async function feed(archive: AsyncIterable<Buffer>, tar: ReturnType<typeof extract>): Promise<void> {
  let isEmpty = true;
  for await (const chunk of archive) {
    isEmpty &&= chunk.length === 0;
    if (tar.destroyed) return;
    if (tar.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      tar.once('drain', resolve);
      tar.once('close', resolve);
    });
  }
  // Even an archive without files has blocks that end it.
  if (isEmpty) tar.destroy(new Error('the archive is empty'));
  else tar.end(undefined);
}
