/**
 * A folder in which a repo or a task may have put anything. Everything below it that the worker reads, writes or removes
 * goes through this class: no link is followed in any part of a path, and no check can be outrun, since each folder on the
 * way is opened by descriptor. decisions/0023 says what this protects.
 */
import { randomBytes } from 'node:crypto';
import {
  constants,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { chmod, copyFile, open, type FileHandle } from 'node:fs/promises';
import { quote } from '../model/result.js';
import { isMissing, temporaryPrefix } from './atomic-file.js';
import {
  EntryError,
  entryError,
  entryPath,
  linkError,
  openEntry,
  openTrustedFolder,
  splitEntryPath,
  type FolderEntry,
} from './folder-entry.js';
import { removeTree } from './remove-tree.js';

/** A path relative to the folder, as in `out/report.html`. Bytes where the name may not be UTF-8. */
export type EntryPath = string | Buffer;

/** All methods throw an EntryError, whose message is a reason that the caller completes. */
export class UntrustedFolder {
  /** the real path of the folder, for messages and for programs that need one */
  readonly path: string;
  readonly #root: FolderEntry;

  /** Opens the folder at a path that the user chose; links in this path are followed. */
  constructor(path: string) {
    this.#root = openTrustedFolder(path);
    this.path = realpathSync(path);
  }

  close(): void {
    this.#root.close();
  }

  /** Returns the facts of an entry, of a link itself; undefined if there is none. */
  stat(path: EntryPath): Stats | undefined {
    try {
      return this.#at(path, ({ stats }) => stats);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Opens a regular file for reading. Never waits for the writer of a pipe, and never touches a device. */
  async openFile(path: EntryPath): Promise<FileHandle> {
    const entry = this.#open(path);
    try {
      requireFile(entry, path);
      return await open(entry.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw entryError(error);
    } finally {
      entry.close();
    }
  }

  /** Returns the content of a regular file. Refuses one with more bytes than `maxBytes`. */
  async readFile(path: EntryPath, maxBytes: number): Promise<Buffer> {
    const handle = await this.openFile(path);
    try {
      const { size } = await handle.stat();
      if (size > maxBytes) throw new EntryError('EFBIG', `it has more than ${maxBytes} bytes`);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
      return buffer.subarray(0, bytesRead);
    } catch (error) {
      throw entryError(error);
    } finally {
      await handle.close();
    }
  }

  /**
   * Copies a regular file to a new file at a path of the worker. Of the mode, only the owner's right to execute is kept: the
   * copy belongs to the worker's user, and must not run as this user for others.
   */
  async copyOut(path: EntryPath, target: string): Promise<void> {
    const entry = this.#open(path);
    try {
      requireFile(entry, path);
      const created = await open(target, 'wx', (entry.stats.mode & 0o100) === 0 ? 0o666 : 0o777);
      const { mode } = await created.stat().finally(() => created.close());
      await copyFile(entry.path, target, constants.COPYFILE_FICLONE);
      await chmod(target, mode & 0o777);
    } catch (error) {
      throw entryError(error);
    } finally {
      entry.close();
    }
  }

  /** Lists a folder. */
  list(path: EntryPath): readonly Dirent[] {
    return this.#at(path, (entry) => {
      requireFolder(entry, path);
      return readdirSync(entry.path, { withFileTypes: true });
    });
  }

  /** Returns the target of a link, as the link has it. */
  readLink(path: EntryPath): string {
    const parts = splitEntryPath(path);
    const name = parts.at(-1);
    if (name === undefined) throw new EntryError('EINVAL', 'it is the folder itself');
    return this.#in(parts.slice(0, -1), (folder) => readlinkSync(entryPath(folder, name), 'utf8'));
  }

  /** Creates a folder, and its parents. An existing one is kept. */
  makeFolder(path: EntryPath): void {
    const parts = splitEntryPath(path);
    for (let depth = 1; depth <= parts.length; depth++) {
      const [name] = parts.slice(depth - 1);
      if (name === undefined) return;
      this.#in(parts.slice(0, depth - 1), (folder) => {
        try {
          mkdirSync(entryPath(folder, name));
        } catch (error) {
          if (entryError(error).code !== 'EEXIST') throw entryError(error);
        }
      });
      this.#at(joinParts(parts.slice(0, depth)), (entry) => {
        requireFolder(entry, joinParts(parts.slice(0, depth)));
      });
    }
  }

  /** Writes a file in an existing folder, in place of a file or link that is there. */
  writeFile(path: EntryPath, content: Uint8Array | string): Promise<void> {
    return this.#replace(path, async (temporary) => {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
      try {
        await handle.writeFile(content);
      } finally {
        await handle.close();
      }
    });
  }

  /** Copies a file of the worker into an existing folder, in place of a file or link that is there. Shares no inode. */
  copyIn(source: string, path: EntryPath): Promise<void> {
    const { COPYFILE_EXCL, COPYFILE_FICLONE } = constants;
    return this.#replace(path, (temporary) => copyFile(source, temporary, COPYFILE_EXCL | COPYFILE_FICLONE));
  }

  /** Removes an entry, of a folder everything in it, but not what is mounted there. Missing is no error. */
  remove(path: EntryPath): void {
    const parts = splitEntryPath(path);
    const name = parts.at(-1);
    if (name === undefined) throw new EntryError('EINVAL', 'it is the folder itself');
    try {
      this.#in(parts.slice(0, -1), (folder) => {
        removeTree(folder, name);
      });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Removes a folder if it is empty. Returns false if it is not, or is no folder. */
  removeEmptyFolder(path: EntryPath): boolean {
    const parts = splitEntryPath(path);
    const name = parts.at(-1);
    if (name === undefined) return false;
    try {
      this.#in(parts.slice(0, -1), (folder) => {
        rmdirSync(entryPath(folder, name));
      });
      return true;
    } catch {
      return false;
    }
  }

  /** Calls `use` with an open entry, and closes it. */
  use<T>(path: EntryPath, use: (entry: FolderEntry) => T): T {
    return this.#at(path, use);
  }

  #at<T>(path: EntryPath, use: (entry: FolderEntry) => T): T {
    const entry = this.#open(path);
    try {
      return use(entry);
    } catch (error) {
      throw entryError(error);
    } finally {
      entry.close();
    }
  }

  #open(path: EntryPath): FolderEntry {
    const parts = splitEntryPath(path);
    const name = parts.at(-1);
    if (name === undefined) return { ...this.#root, close: () => undefined };
    return this.#in(parts.slice(0, -1), (folder) => openEntry(folder, name));
  }

  /** Calls `use` with the open folder that the parts name. */
  #in<T>(parts: readonly Buffer[], use: (folder: FolderEntry) => T): T {
    let folder: FolderEntry = { ...this.#root, close: () => undefined };
    try {
      for (const [index, part] of parts.entries()) {
        const next = openEntry(folder, part);
        folder.close();
        folder = next;
        requireFolder(folder, joinParts(parts.slice(0, index + 1)));
      }
      return use(folder);
    } catch (error) {
      throw entryError(error);
    } finally {
      folder.close();
    }
  }

  /** Creates a file with a random name, and renames it. */
  async #replace(path: EntryPath, write: (temporary: Buffer) => Promise<void>): Promise<void> {
    const parts = splitEntryPath(path);
    const name = parts.at(-1);
    if (name === undefined) throw new EntryError('EISDIR', 'is a directory');
    const folder = this.#open(joinParts(parts.slice(0, -1)));
    try {
      requireFolder(folder, joinParts(parts.slice(0, -1)));
      const temporary = entryPath(
        folder,
        Buffer.from(`${temporaryPrefix}${randomBytes(12).toString('hex')}`),
      );
      try {
        await write(temporary);
        renameSync(temporary, entryPath(folder, name));
      } catch (error) {
        removeQuietly(temporary);
        throw error;
      }
    } catch (error) {
      throw entryError(error);
    } finally {
      folder.close();
    }
  }
}

function removeQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never created.
  }
}

const joinParts = (parts: readonly Buffer[]): Buffer =>
  Buffer.from(parts.map((part) => part.toString('latin1')).join('/'), 'latin1');

function requireFile({ stats }: FolderEntry, path: EntryPath): void {
  if (stats.isSymbolicLink()) throw linkError(path.toString());
  if (stats.isDirectory()) throw new EntryError('EISDIR', 'is a directory');
  if (!stats.isFile()) throw new EntryError('ENOTREG', 'not a regular file');
}

function requireFolder({ stats }: FolderEntry, path: EntryPath): void {
  if (stats.isSymbolicLink()) throw linkError(path.toString());
  if (!stats.isDirectory())
    throw new EntryError('ENOTDIR', `${quote(path.toString(), 300)} is not a directory`);
}
