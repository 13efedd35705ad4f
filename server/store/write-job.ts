/** Moves staged files into the site. Existing files are never changed. */
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
import { hasSameBytes, makeFolder } from '../disk/site-files.js';
import { stagedFile } from './staged-job.js';
import { isMissing, syncFolder } from '../../files/atomic-file.js';

/** `conflict`: the site has a file at `path` with other bytes. */
export type WriteResult =
  { readonly kind: 'new' | 'same' } | { readonly kind: 'conflict'; readonly path: SitePath };

/** The JSON is last: a reader that finds it finds the other files too. */
const order: readonly RecordSuffix[] = ['wwz', 'tsv', 'json'];

/** Moves a job's synced files to its run folder. Must not run concurrently for a site. */
export async function writeJobFiles(
  site: string,
  address: JobAddress,
  { folder, hasWwz }: { readonly folder: string; readonly hasWwz: boolean },
): Promise<WriteResult> {
  const compared = await compareJob(site, address, { folder, hasWwz });
  if (compared !== 'free') return compared;
  const target = await makeFolder(site, runFolder(address));
  // Without a JSON, any other file is from an interrupted upload that was never acknowledged.
  if (!hasWwz) await rm(join(site, jobFile(address, 'wwz')), { force: true });
  try {
    for (const suffix of order) {
      if (suffix === 'wwz' && !hasWwz) continue;
      if (suffix === 'json') await syncFolder(target);
      await rename(stagedFile(folder, suffix), join(site, jobFile(address, suffix)));
    }
  } catch (error) {
    for (const suffix of order) await rm(join(site, jobFile(address, suffix)), { force: true });
    await rmdir(target).catch(() => undefined); // the folder has files of other jobs
    throw error;
  }
  await syncFolder(target);
  return { kind: 'new' };
}

/** Compares a staged job with the one at its address. Returns `free` if there is none. */
export async function compareJob(
  site: string,
  address: JobAddress,
  { folder, hasWwz }: { readonly folder: string; readonly hasWwz: boolean },
): Promise<'free' | WriteResult> {
  if (statSync(join(site, jobFile(address, 'json')), { throwIfNoEntry: false }) === undefined) return 'free';
  for (const suffix of recordSuffixes) {
    const path = jobFile(address, suffix);
    const found = await compareFile(join(site, path), stagedFile(folder, suffix));
    const isSame = suffix === 'wwz' && !hasWwz ? found === 'missing' : found === 'same';
    if (!isSame) return { kind: 'conflict', path };
  }
  return { kind: 'same' };
}

async function compareFile(stored: string, staged: string): Promise<'missing' | 'same' | 'other'> {
  try {
    return (await hasSameBytes(stored, staged)) ? 'same' : 'other';
  } catch (error) {
    if (!isMissing(error)) throw error;
    return (error as NodeJS.ErrnoException).path === stored ? 'missing' : 'other';
  }
}

/**
 * Moves a synced file to the artifacts of a commit. `path` is below their folder. `before` is called before a new file
 * is moved; if it fails, nothing is moved.
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
    // A part of the path is a file where a folder is needed, or a folder where a file is.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOTDIR', 'EISDIR', 'EEXIST'].includes(code)) return { kind: 'conflict', path: relative };
    throw error;
  }
}
