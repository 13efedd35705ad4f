/** Packs a repo and the worker's own files as a tar, for a task host that cannot mount them. */
import { readlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { entryPath, EntryError } from '../../files/folder-entry.js';
import type { UntrustedFolder } from '../../files/untrusted-folder.js';
import { quote } from '../../model/result.js';
import { statOf } from './repo-files.js';
import { formatTarHeader, tarEndBytes, tarPadding, type TarEntry } from './tar-header.js';

/** An entry, and where its content comes from. */
interface ArchiveEntry extends TarEntry {
  readonly text?: string;
  /** of a file of the repo */
  readonly path?: string;
  /** of a file that the worker made */
  readonly ownFile?: string;
}

/** Both tar and dd read whole records of this size. */
export const recordBytes = 10_240;

/**
 * A tar whose size is known before it is written, so that its reader on the task host knows where it ends. It is a multiple
 * of `recordBytes`.
 */
export class RepoArchive {
  readonly #entries: ArchiveEntry[] = [];
  /** files that were left out or changed, as sentences */
  readonly notices: string[] = [];
  #bytes = tarEndBytes;

  /** `folder` is the repo, whose files become `PREFIX/PATH`. */
  constructor(
    private readonly folder: UntrustedFolder,
    private readonly prefix: string,
  ) {}

  addText(name: string, text: string, mode = 0o600): void {
    this.#add({ kind: 'file', name, text, size: Buffer.byteLength(text), mode, modified: new Date() });
  }

  addFolder(name: string): void {
    this.#add({ kind: 'folder', name: `${name}/`, size: 0, mode: 0o755, modified: new Date() });
  }

  /** Adds a file that the worker made. */
  addOwnFile(
    name: string,
    ownFile: string,
    { size, mode }: { readonly size: number; readonly mode: number },
  ): void {
    this.#add({ kind: 'file', name, ownFile, size, mode, modified: new Date() });
  }

  /** Adds a file, folder or link of the repo. What is gone is left out; what is none of these is left out with a notice. */
  addRepoPath(path: string): void {
    const stats = statOf(this.folder, path);
    if (stats === undefined) return;
    const name = `${this.prefix}/${path}`;
    const common = { mode: stats.mode & 0o777, modified: stats.mtime, size: 0 };
    if (stats.isDirectory())
      this.#add({ ...common, kind: 'folder', name: `${name}/`, mode: common.mode | 0o700 });
    else if (stats.isFile()) this.#add({ ...common, kind: 'file', name, path, size: stats.size });
    else if (!stats.isSymbolicLink()) this.#leaveOut(path, 'it is no file, folder or link');
    else {
      const target = this.#readLink(path);
      if (target !== undefined) this.#add({ ...common, kind: 'link', name, target, mode: 0o777 });
    }
  }

  #add(entry: ArchiveEntry): void {
    this.#entries.push(entry);
    this.#bytes += formatTarHeader(entry).length + entry.size + tarPadding(entry.size);
  }

  #readLink(path: string): string | undefined {
    const slash = path.lastIndexOf('/');
    const name = Buffer.from(path.slice(slash + 1));
    try {
      const target = this.folder.use(path.slice(0, Math.max(0, slash)), (folder) =>
        readlinkSync(entryPath(folder, name), { encoding: 'utf8' }),
      );
      // U+FFFD replaces what is not UTF-8.
      if (!target.includes('\ufffd')) return target;
      this.#leaveOut(path, 'the target of the link is not UTF-8');
    } catch (error) {
      if (!(error instanceof EntryError)) throw error;
      if (error.code !== 'ENOENT') this.#leaveOut(path, error.message);
    }
    return undefined;
  }

  #leaveOut(path: string, reason: string): void {
    this.notices.push(`cannot send ${quote(path, 300)} to the task host: ${reason}`);
  }

  /** how many records the archive has */
  get records(): number {
    return Math.ceil(this.#bytes / recordBytes);
  }

  /** Returns the archive's bytes in chunks. They are exactly `records`, whatever happens to the files meanwhile. */
  async *chunks(): AsyncGenerator<Buffer> {
    let small: Buffer[] = [];
    let smallBytes = 0;
    for (const entry of this.#entries) {
      small.push(formatTarHeader(entry));
      for await (const chunk of this.#content(entry)) {
        small.push(chunk);
        smallBytes += chunk.length;
        if (smallBytes < chunkBytes) continue;
        yield Buffer.concat(small);
        [small, smallBytes] = [[], 0];
      }
      small.push(Buffer.alloc(tarPadding(entry.size)));
    }
    yield Buffer.concat([...small, Buffer.alloc(this.records * recordBytes - this.#bytes + tarEndBytes)]);
  }

  async *#content(entry: ArchiveEntry): AsyncGenerator<Buffer> {
    if (entry.text !== undefined) yield Buffer.from(entry.text);
    if (entry.size === 0 || entry.text !== undefined) return;
    let handle: FileHandle | undefined;
    let at = 0;
    try {
      handle = await this.#open(entry);
      while (at < entry.size) {
        const wanted = Math.min(chunkBytes, entry.size - at);
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#leaveOut(entry.path ?? entry.name, error.message);
    } finally {
      await handle?.close();
    }
    if (at < entry.size)
      this.#leaveOut(entry.path ?? entry.name, 'it became shorter, and is filled with zeros');
    // Its size was sent before.
    for (; at < entry.size; at += chunkBytes) yield Buffer.alloc(Math.min(chunkBytes, entry.size - at));
  }

  #open({ path, ownFile }: ArchiveEntry): Promise<FileHandle> {
    if (path !== undefined) return this.folder.openFile(path);
    return open(ownFile ?? '', 'r');
  }
}

const chunkBytes = 1024 * 1024;
