/** Checks what a build reads from the repo: links in it may not lead to other files of the machine. */
import { EntryError } from '../../files/folder-entry.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { resolveInside } from '../../files/untrusted-walk.js';
import { join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { ImageSource } from '../config/job-declaration.js';

type BuildSource = Extract<ImageSource, { readonly kind: 'build' }>;

export interface BuildPaths {
  /** real absolute paths in the repo */
  readonly file: string;
  readonly context: string;
}

/** Files that engines read beside those that soil.yml names. */
const ignoreNames = ['.dockerignore', '.containerignore'];

/**
 * Returns the real paths of a build's file and context. Links that stay in the repo are followed. Refuses a link that leads
 * out of it, and a pipe or device in the place of a file, at which the engine would wait.
 */
export function resolveBuild(repo: string, { file, context }: BuildSource): Result<BuildPaths> {
  let folder: UntrustedFolder | undefined;
  let checked = file;
  try {
    const root = (folder = new UntrustedFolder(repo));
    const requireFile = (path: string): void => {
      if (root.stat(path)?.isFile() !== true) throw new EntryError('ENOTREG', 'not a regular file');
    };
    const realFile = resolveInside(root, file);
    requireFile(realFile);
    checked = context;
    const realContext = resolveInside(root, context);
    if (realContext !== '' && root.stat(realContext)?.isDirectory() !== true)
      throw new EntryError('ENOTDIR', 'not a folder');
    const ignoreFiles = [
      ...ignoreNames.map((name) => join(realContext, name)),
      ...ignoreNames.map((name) => `${realFile}${name}`),
    ];
    for (const path of ignoreFiles) {
      checked = path;
      if (root.stat(path) !== undefined) requireFile(resolveInside(root, path));
    }
    return accept({ file: join(root.path, realFile), context: join(root.path, realContext) });
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    return refuse(`cannot use ${quote(checked, 200)} for a build: ${error.message}`);
  } finally {
    folder?.close();
  }
}
