/** Staged files -> the site's own, append-only: what is there is never changed, and the JSON comes last. */
import { statSync } from 'node:fs';
import { rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CommitHash, WorkerHost } from '../../model/name.js';
import {
  commitArtifactFolder,
  jobFile,
  recordSuffixes,
  runFolder,
  type RecordSuffix,
  type SitePath,
} from '../../model/path.js';
import type { JobAddress } from '../../model/run.js';
import { hasSameBytes, makeFolder } from '../disk/atomic-file.js';
import { stagedFile } from './staged-job.js';
import { isMissing, syncFolder } from '../../files/atomic-file.js';

/** `conflict`: other bytes are there already; they stay. */
export type WriteResult =
  { readonly kind: 'new' | 'same' } | { readonly kind: 'conflict'; readonly path: SitePath };

/** The JSON makes the others a record: it comes last, and a reader that sees it sees all. */
const order: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

/** Moves a job's files, which are synced already, to where they belong. One call at a time for a site. */
export async function writeJobFiles(
  site: string,
  address: JobAddress,
  { folder, hasWwz }: { readonly folder: string; readonly hasWwz: boolean },
): Promise<WriteResult> {
  const compared = await compareJob(site, address, { folder, hasWwz });
  if (compared !== 'free') return compared;
  const target = await makeFolder(site, runFolder(address));
  // Without a JSON whatever else is there was never acknowledged: an upload that was cut off.
  if (!hasWwz) await rm(join(site, jobFile(address, 'wwz')), { force: true });
  try {
    for (const suffix of order) {
      if (suffix === 'wwz' && !hasWwz) continue;
      if (suffix === 'json') await syncFolder(target);
      await rename(stagedFile(folder, suffix), join(site, jobFile(address, suffix)));
    }
  } catch (error) {
    for (const suffix of order) await rm(join(site, jobFile(address, suffix)), { force: true });
    await rmdir(target).catch(() => undefined); // other jobs may be in it
    throw error;
  }
  await syncFolder(target);
  return { kind: 'new' };
}

/** Whether the job may be stored there: nothing is there, the same is, or something else. */
export async function compareJob(
  site: string,
  address: JobAddress,
  { folder, hasWwz }: { readonly folder: string; readonly hasWwz: boolean },
): Promise<'free' | WriteResult> {
  if (statSync(join(site, jobFile(address, 'json')), { throwIfNoEntry: false }) === undefined) return 'free';
  for (const suffix of recordSuffixes) {
    const path = jobFile(address, suffix);
    const found = await compareFile(join(site, path), stagedFile(folder, suffix));
    const isAlike = suffix === 'wwz' && !hasWwz ? found === 'missing' : found === 'same';
    if (!isAlike) return { kind: 'conflict', path };
  }
  return { kind: 'same' };
}

async function compareFile(there: string, staged: string): Promise<'missing' | 'same' | 'other'> {
  try {
    return (await hasSameBytes(there, staged)) ? 'same' : 'other';
  } catch (error) {
    if (!isMissing(error)) throw error;
    return (error as NodeJS.ErrnoException).path === there ? 'missing' : 'other';
  }
}

/**
 * Moves a file, which is synced already, to the artifacts of a commit. `path` is below them. `before` comes first where
 * the file is new; when it fails nothing is moved.
 */
export async function writeArtifact(
  site: string,
  { host, commit, path }: { readonly host: WorkerHost; readonly commit: CommitHash; readonly path: string },
  { staged, before }: { readonly staged: string; readonly before: () => Promise<void> },
): Promise<WriteResult> {
  const relative = `${commitArtifactFolder(host, commit)}/${path}` as SitePath;
  try {
    const found = await compareFile(join(site, relative), staged);
    if (found !== 'missing')
      return found === 'same' ? { kind: 'same' } : { kind: 'conflict', path: relative };
    const target = await makeFolder(site, dirname(relative));
    await before();
    await rename(staged, join(site, relative));
    await syncFolder(target);
    return { kind: 'new' };
  } catch (error) {
    // A file stands where a folder would have to be, or the other way round.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOTDIR', 'EISDIR', 'EEXIST'].includes(code)) return { kind: 'conflict', path: relative };
    throw error;
  }
}
