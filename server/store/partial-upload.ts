/** Files of a job that a shell client sends one after the other: kept by address until the JSON comes. */
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

/** Names are words of letters, digits, `.`, `_` and `-`; a comma keeps them apart. */
const folderOf = (partial: string, { host, name, job }: JobAddress): string =>
  join(partial, [host, name, job].join(','));

/** Keeps what was received; the same file sent again replaces the one before. */
export async function keepPartial(
  partial: string,
  address: JobAddress,
  { folder, files }: ReceivedFiles,
  limits: ServerLimits,
): Promise<Result<true>> {
  const kept = folderOf(partial, address);
  const others = await readdir(partial);
  if (others.length >= limits.partialUploads && !others.some((name) => join(partial, name) === kept)) {
    return refuse(
      'cannot keep a part of a job: too many jobs wait for their JSON; send all files in one form',
    );
  }
  await mkdir(kept, { recursive: true, mode: 0o700 });
  for (const suffix of files.suffixes) await rename(stagedFile(folder, suffix), stagedFile(kept, suffix));
  await syncFolder(kept);
  return accept(true);
}

/**
 * Puts kept files beside those received, where these lack them. The returned function forgets them once the job is
 * stored; until then they stay, so that a JSON that was refused can be sent again.
 */
export async function takePartial(
  partial: string,
  address: JobAddress,
  { folder, files }: ReceivedFiles,
): Promise<() => Promise<void>> {
  const kept = folderOf(partial, address);
  for (const suffix of recordSuffixes.filter((s) => !files.suffixes.has(s))) {
    try {
      // A link, not a copy: the upload's own folder is taken away, and the kept file stays.
      await link(stagedFile(kept, suffix), stagedFile(folder, suffix));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return () => rm(kept, { recursive: true, force: true });
}
