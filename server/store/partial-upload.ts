/** Stores the files of a job that a shell client sends in several requests, until the JSON arrives. */
import { link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { recordSuffixes, type RecordSuffix } from '../../model/path.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import type { ServerLimits } from '../config/limits.js';
import { stagedFile } from './staged-job.js';
import { isMissing, syncFolder } from '../../files/atomic-file.js';

interface ReceivedFiles {
  /** the upload's own staging folder */
  readonly folder: string;
  readonly files: { readonly suffixes: ReadonlySet<RecordSuffix> };
}

/** Returns the folder of a job. A comma separates the names, since none has one. */
const folderOf = (partial: string, { host, name, job }: JobAddress): string =>
  join(partial, [host, name, job].join(','));

/**
 * Stores the files of a request. A file that is sent again replaces the earlier one. Refuses too many unfinished jobs.
 */
export async function storePartial(
  partial: string,
  address: JobAddress,
  { folder, files }: ReceivedFiles,
  limits: ServerLimits,
): Promise<Result<true>> {
  const kept = folderOf(partial, address);
  const others = await readdir(partial);
  if (others.length >= limits.partialUploads && !others.some((name) => join(partial, name) === kept)) {
    return refuse(
      'cannot store part of a job: too many jobs are waiting for their JSON; send all files in one form',
    );
  }
  await mkdir(kept, { recursive: true, mode: 0o700 });
  for (const suffix of files.suffixes) await rename(stagedFile(folder, suffix), stagedFile(kept, suffix));
  await syncFolder(kept);
  return accept(true);
}

/**
 * Links the stored files of a job into the upload's folder, except those that the upload has itself. Returns a function
 * that deletes the stored files. Call it after the job is stored: until then, a client can send a refused JSON again.
 */
export async function linkPartial(
  partial: string,
  address: JobAddress,
  { folder, files }: ReceivedFiles,
): Promise<() => Promise<void>> {
  const kept = folderOf(partial, address);
  for (const suffix of recordSuffixes.filter((s) => !files.suffixes.has(s))) {
    try {
      // Not moved, since the upload's folder is deleted if the JSON is refused.
      await link(stagedFile(kept, suffix), stagedFile(folder, suffix));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return () => rm(kept, { recursive: true, force: true });
}
