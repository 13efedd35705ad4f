/**
 * The copy of a job's files for the user: `_soil/JOB/` in the repo, or `OUT/JOB/`. It is written after the job, and Soil never
 * reads it, since tasks can write there.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, isTemporaryName } from '../../files/atomic-file.js';
import { EntryError } from '../../files/folder-entry.js';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { errorMessage } from '../../model/error-message.js';
import type { JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { artifactsFolderName, buildLogName, logsFolderName } from './job-folder.js';
import { outFolderName, type OutPath } from './out-path.js';

/** git must ignore the output of jobs. The file is only written to `_soil`: any other folder is the user's. */
const ignoreFile = '.gitignore';
const ignoreAll = '*\n';

export class OutFolder {
  /** the absolute path of `OUT/JOB` */
  readonly path: string;
  readonly #out: OutPath;
  readonly #job: JobName;
  readonly #root: UntrustedFolder;

  private constructor(out: OutPath, job: JobName) {
    this.path = join(out.path, job);
    this.#out = out;
    this.#job = job;
    this.#root = new UntrustedFolder(out.root);
  }

  /**
   * Creates OUT, and holds it open until close(), so that a task cannot redirect the copy. Refuses links, and a folder with
   * files that are not Soil's: `--out .` with a job called `src` must not replace the project's sources.
   */
  static async open(out: OutPath, job: JobName): Promise<Result<OutFolder>> {
    let folder: OutFolder | undefined;
    try {
      await mkdir(out.root, { recursive: true });
      folder = new OutFolder(out, job);
      folder.#makeOut();
      await folder.#writeIgnoreFile();
      folder.#checkJobFolder();
      return accept(folder);
    } catch (error) {
      folder?.close();
      if (!isExpected(error)) throw error;
      return refuse(`cannot use folder ${quote(join(out.path, job), 300)}: ${errorMessage(error)}`);
    }
  }

  /** Removes the copies of an earlier run, which are not the results of this one. Returns notices. */
  prepare(): readonly string[] {
    try {
      for (const name of this.#ownNames()) this.#root.remove(this.#below(name));
      this.#root.makeFolder(this.#below());
      return [];
    } catch (error) {
      if (!isExpected(error)) throw error;
      return [`cannot remove the earlier results in ${quote(this.path, 300)}: ${errorMessage(error)}`];
    }
  }

  /**
   * Copies the files of a finished job. What a task made in their place is removed. Returns notices: a copy that cannot be
   * written does not change the job, whose files are in `folder`.
   */
  async write(
    folder: string,
    { withArtifacts }: { readonly withArtifacts: boolean },
  ): Promise<readonly string[]> {
    const notices: string[] = [];
    try {
      this.#makeOut();
      await this.#writeIgnoreFile();
      if (this.#root.stat(this.#below())?.isDirectory() === false) this.#clear('', notices);
      this.#root.makeFolder(this.#below());
      for (const name of this.#ownNames()) this.#clear(name, notices);
      for (const name of this.#ownNames())
        if (withArtifacts || name !== artifactsFolderName) await this.#copyOrRemove(folder, name, notices);
    } catch (error) {
      if (!isExpected(error)) throw error;
      notices.push(
        `cannot copy the results to ${quote(this.path, 300)}: ${errorMessage(error)}. They are in ${quote(folder, 300)}`,
      );
    }
    return notices;
  }

  close(): void {
    this.#root.close();
  }

  /** The names of what Soil writes to the folder, the JSON file last: it marks the job as finished. */
  #ownNames(): readonly string[] {
    const files = ['wwz', 'tsv', 'json'].map((suffix) => `${this.#job}.${suffix}`);
    return [logsFolderName, artifactsFolderName, buildLogName, ...files];
  }

  #below(...names: readonly string[]): string {
    return [this.#out.name, this.#job, ...names].filter((name) => name !== '').join('/');
  }

  #makeOut(): void {
    if (this.#out.name !== '') this.#root.makeFolder(this.#out.name);
  }

  async #writeIgnoreFile(): Promise<void> {
    if (this.#out.name.split('/').at(-1) !== outFolderName) return;
    const path = `${this.#out.name}/${ignoreFile}`;
    if (this.#root.stat(path) !== undefined) {
      const content = await this.#root.readFile(path, 1_000_000).catch((error: unknown) => {
        throw error instanceof EntryError ? new EntryError(error.code, describe(path, error)) : error;
      });
      if (content.toString() === ignoreAll) return;
    }
    await this.#root.writeFile(path, ignoreAll);
  }

  #checkJobFolder(): void {
    const stats = this.#root.stat(this.#below());
    if (stats === undefined) return;
    const own = new Set(this.#ownNames());
    for (const entry of this.#root.list(this.#below())) {
      const isOwn = own.has(entry.name);
      if (isOwn && entry.isSymbolicLink())
        throw new EntryError('ELOOP', `${quote(this.#below(entry.name), 300)} is a symbolic link`);
      // In `_soil`, nothing but Soil's files is expected, and others are left alone.
      if (isOwn || isTemporaryName(entry.name) || this.#out.name === outFolderName) continue;
      throw new EntryError('EEXIST', `it contains ${quote(entry.name)}, which is not a file of Soil`);
    }
  }

  /** Removes what a task has put in the place of a copy. */
  #clear(name: string, notices: string[]): void {
    const path = this.#below(name);
    if (this.#root.stat(path) === undefined) return;
    this.#root.remove(path);
    notices.push(`removed ${quote(path, 300)}, which a task made in the place of Soil's own file`);
  }

  /** Copies a file or folder. On a full disk, a part of the logs must not take the place of the record. */
  async #copyOrRemove(folder: string, name: string, notices: string[]): Promise<void> {
    try {
      await this.#copy(folder, name);
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#root.remove(this.#below(name));
      notices.push(
        `cannot copy ${quote(join(folder, name), 300)} to ${quote(this.path, 300)}: ${errorMessage(error)}`,
      );
    }
  }

  async #copy(folder: string, name: string): Promise<void> {
    const source = join(folder, name);
    const below = await readdir(source, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return 'file';
      throw error;
    });
    if (below === undefined) return;
    if (below === 'file') {
      await this.#root.copyIn(source, this.#below(name));
      return;
    }
    this.#root.makeFolder(this.#below(name));
    for (const entry of below) await this.#copy(folder, `${name}/${entry.name}`);
  }
}

const describe = (path: string, error: EntryError): string =>
  error.message.startsWith('"') ? error.message : `${quote(path, 300)}: ${error.message}`;

/** An error of the file system, which is the user's to solve. Others are bugs. */
const isExpected = (error: unknown): boolean => (error as NodeJS.ErrnoException).code !== undefined;
