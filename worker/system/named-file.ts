/** Opens a file that an option, an argument or soil.yml names. In the repo, a task may have put anything there. */
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EntryError, entryError, linkError } from '../../files/folder-entry.js';
import { pathWithin } from '../../files/real-path.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { resolveInside } from '../../files/untrusted-walk.js';

export interface NamedFile {
  readonly repo: string;
  readonly cwd: string;
  /** relative to `cwd`, or absolute */
  readonly file: string;
  /** whether links that stay in the repo are followed */
  readonly links: 'none' | 'inside';
}

/**
 * Opens a file for reading. In the repo, refuses what is not a regular file, and a link that leads out of it, or any link.
 * A file outside the repo is opened as it is: the user named it. Throws an EntryError.
 */
export async function openNamedFile({ repo, cwd, file, links }: NamedFile): Promise<FileHandle> {
  try {
    const path = resolve(cwd, file);
    const root = await realpath(repo);
    const within = await pathWithin(root, path);
    if (within === undefined) return await open(path, 'r');
    const folder = new UntrustedFolder(root);
    try {
      return await folder.openFile(links === 'inside' ? resolveInside(folder, within) : within);
    } finally {
      folder.close();
    }
  } catch (error) {
    throw entryError(error);
  }
}

/** As large as no configuration is. */
const maxTextBytes = 32_000_000;

/** Returns the text of a small file. Follows links that stay in the repo. Throws an EntryError. */
export async function readNamedText(named: Omit<NamedFile, 'links'>): Promise<string> {
  const handle = await openNamedFile({ ...named, links: 'inside' });
  try {
    const { size } = await handle.stat();
    if (size > maxTextBytes) throw new EntryError('EFBIG', `it has more than ${maxTextBytes} bytes`);
    return await handle.readFile('utf8');
  } catch (error) {
    throw entryError(error);
  } finally {
    await handle.close();
  }
}

/**
 * Returns why a path of the repo cannot be written: a link on the way, or in its own place. undefined if it can, or if it
 * lies outside the repo.
 */
export async function findTargetProblem({
  repo,
  cwd,
  file,
}: Omit<NamedFile, 'links'>): Promise<string | undefined> {
  const root = await realpath(repo);
  const within = await pathWithin(root, resolve(cwd, file));
  if (within === undefined || within === '') return undefined;
  const folder = new UntrustedFolder(root);
  try {
    return folder.stat(within)?.isSymbolicLink() === true ? linkError(within).message : undefined;
  } catch (error) {
    return entryError(error).message;
  } finally {
    folder.close();
  }
}
