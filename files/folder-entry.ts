/** Opens what is in a folder by its name, through the folder's descriptor and never through a link. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  statSync,
  type Stats,
} from 'node:fs';
import { quote } from '../model/result.js';
import { fileErrorMessage } from '../model/error-message.js';

/** One file, folder, link or other entry, held open, so that its path names this entry even if it is renamed or replaced. */
export interface FolderEntry {
  /** of this entry: `/proc/self/fd/N`; on a machine without `/proc`, its path */
  readonly path: string;
  readonly stats: Stats;
  readonly close: () => void;
}

/** Why an entry cannot be used. The message is a reason; the caller says what failed and quotes the path. */
export class EntryError extends Error {
  /** as in `ENOENT`, `ELOOP` for a link, `ENOTREG` for what is not a regular file */
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.name = 'EntryError';
    this.code = code;
  }
}

/** Returns an error of the file system without the path of the descriptor. */
export function entryError(error: unknown): EntryError {
  if (error instanceof EntryError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  const known = fileErrorMessage(error);
  // Node's messages end with the call and the path: "ENOSPC: no space left on device, write".
  const reason = known.replace(/^[A-Z0-9]+: /, '').replace(/, \w+( '.*)?$/s, '');
  return new EntryError(code, reason);
}

export const linkError = (name: string): EntryError =>
  new EntryError('ELOOP', `${quote(name, 300)} is a symbolic link`);

/**
 * O_PATH of Linux, which Node does not name: opens an entry of any kind, also a link, a pipe or a device, without reading it
 * and without any effect on it.
 */
const O_PATH = 0x200000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;

const descriptors = '/proc/self/fd';
/** A link in `/proc` names an open file, which makes `/proc/self/fd/N/NAME` the openat() that Node lacks. */
const hasDescriptorPaths = existsSync(`${descriptors}/0`) || existsSync(descriptors);

/**
 * Reports whether entries can be opened without a race. Without `/proc`, each folder on the way is checked before it is
 * entered, but a process that runs meanwhile can replace it.
 */
export const isRaceFree = (): boolean => hasDescriptorPaths;

/** Opens the folder at a path that the user chose: links in it are followed. */
export function openTrustedFolder(path: string): FolderEntry {
  try {
    if (!hasDescriptorPaths) {
      const stats = statSync(path);
      if (!stats.isDirectory()) throw new EntryError('ENOTDIR', 'not a directory');
      return { path, stats, close: () => undefined };
    }
    return holdOpen(openSync(path, O_PATH | O_DIRECTORY));
  } catch (error) {
    throw entryError(error);
  }
}

/** Opens an entry of a folder, whatever it is. A link is opened itself. */
export function openEntry(folder: FolderEntry, name: Buffer): FolderEntry {
  try {
    const path = entryPath(folder, name);
    if (hasDescriptorPaths) return holdOpen(openSync(path, O_PATH | O_NOFOLLOW));
    return { path: path.toString(), stats: lstatSync(path), close: () => undefined };
  } catch (error) {
    throw entryError(error);
  }
}

function holdOpen(descriptor: number): FolderEntry {
  const close = (): void => {
    closeSync(descriptor);
  };
  try {
    return { path: `${descriptors}/${descriptor}`, stats: fstatSync(descriptor), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Returns the path of a name in a folder that is held open. */
export const entryPath = (folder: FolderEntry, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${folder.path}/`), name]);

/**
 * Splits a path below a folder at its slashes. Refuses a part `..`, since it could leave the folder. An empty path is the
 * folder itself.
 */
export function splitEntryPath(path: string | Buffer): readonly Buffer[] {
  // Each byte becomes one character and back, so that names that are not UTF-8 are kept.
  const parts = (typeof path === 'string' ? Buffer.from(path) : path).toString('latin1').split('/');
  if (parts[0] === '' && parts.length > 1) throw new EntryError('EINVAL', 'it is an absolute path');
  if (parts.includes('..')) throw new EntryError('EINVAL', 'it has the part ".."');
  return parts.filter((part) => part !== '' && part !== '.').map((part) => Buffer.from(part, 'latin1'));
}

/** Returns a number that differs between mounts, also between two mounts of one file system. */
export function mountOf(entry: FolderEntry): string {
  if (!hasDescriptorPaths) return String(entry.stats.dev);
  const facts = readFileSync(entry.path.replace('/fd/', '/fdinfo/'), 'utf8');
  return /^mnt_id:\s*(\d+)/m.exec(facts)?.[1] ?? String(entry.stats.dev);
}
