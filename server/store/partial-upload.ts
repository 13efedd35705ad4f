/** Stores the files of a job that a shell client sends in several requests, until the JSON arrives. */
import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { recordSuffixes, type RecordSuffix } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import type { ServerLimits } from '../config/limits.js';
import { stagedFile } from './staged-job.js';
import { isMissing, syncFolder } from '../../files/atomic-file.js';

interface ReceivedFiles {
  /** the upload's own staging folder */
  readonly folder: string;
  readonly files: { readonly suffixes: ReadonlySet<RecordSuffix> };
}

/** A job of a token. Each token has its own parts, so that no token replaces those of another. */
export interface PartialJob extends JobAddress {
  /** the id of the token */
  readonly sender: string;
}

/** Returns the folder of a job. A comma separates the names, since none has one. */
const folderOf = (partial: string, { sender, host, name, job }: PartialJob): string =>
  join(partial, [sender, host, name, job].join(','));

/**
 * Stores the files of a request. A file that is sent again replaces the earlier one. Refuses too many unfinished jobs of
 * the token. `now`: seconds since 1970, UTC.
 */
export async function storePartial(
  partial: string,
  job: PartialJob,
  { folder, files }: ReceivedFiles,
  { limits, now }: { readonly limits: ServerLimits; readonly now: number },
): Promise<Result<true>> {
  const kept = folderOf(partial, job);
  const own = (await readdir(partial)).filter((name) => name.startsWith(`${job.sender},`));
  const others = own.map((name) => join(partial, name)).filter((path) => path !== kept);
  if (
    others.length >= limits.partialUploads &&
    (await removeExpired(others, now - limits.partialSeconds)) >= limits.partialUploads
  ) {
    return refuse(
      `cannot store part of job ${quote(job.job)}: ${limits.partialUploads} jobs of token ${quote(job.sender)} are waiting for their JSON; send all files in one form`,
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
  job: PartialJob,
  { folder, files }: ReceivedFiles,
): Promise<() => Promise<void>> {
  const kept = folderOf(partial, job);
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

/** Removes folders that were last changed before `time`, seconds since 1970. Returns how many are left. */
async function removeExpired(folders: readonly string[], time: number): Promise<number> {
  let left = 0;
  for (const folder of folders) {
    const changed = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs / 1000,
      () => 0,
    );
    if (changed < time) await rm(folder, { recursive: true, force: true });
    else left++;
  }
  return left;
}
