/** Deletes the files of removed runs: files of jobs, their statuses, artifacts, and folders that are then empty. */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CommitHash, RunId } from '../../model/name.js';
import { commitArtifactFolder, jobFile, runFolder, statusFile, type SitePath } from '../../model/path.js';
import { splitFolder, type JobAddress } from '../../model/run.js';
import type { LogEntry } from '../store/log-entry.js';
import type { ArtifactRemoval, Removal, RemovedRun } from '../store/removal-entry.js';
import type { SiteState } from '../state/site-state.js';
import { isMissing, syncFolder } from '../../files/atomic-file.js';

/**
 * Deletes the files of each removal in the log. Can be repeated after a crash: a missing file is not an error, and
 * files stored after the removal are kept. Deletes the JSON of a job last, so that the files in a folder always have a
 * record. Must not run concurrently for a site.
 */
export async function deleteRemoved(
  site: string,
  state: SiteState,
  entries: readonly LogEntry[],
): Promise<void> {
  for (const entry of entries) {
    if (entry.kind === 'removed') await deleteRun(site, state, entry);
    else if (entry.kind === 'removed-artifacts') await deleteArtifacts(site, state, entry);
  }
}

async function deleteRun(
  site: string,
  state: SiteState,
  { folder, tier, run, jobs }: Removal,
): Promise<void> {
  const remove = (path: SitePath) => rm(join(site, path), { force: true });
  for (const { job } of jobs) {
    const address = { ...folder, job };
    const isRemoved = tier === 'run' || state.recordedJob(address)?.summary.wwzBytes === undefined;
    if (isRemoved) await remove(jobFile(address, 'wwz'));
  }
  if (tier === 'wwz') return;
  for (const { job } of jobs) await remove(jobFile({ ...folder, job }, 'tsv'));
  await syncFolder(join(site, runFolder(folder))).catch(unlessMissing);
  for (const { job } of jobs) {
    await deleteStatus(site, state, { address: { ...folder, job }, run });
    await remove(jobFile({ ...folder, job }, 'json'));
  }
}

async function deleteStatus(
  site: string,
  state: SiteState,
  { address, run: { runId, commit } }: { readonly address: JobAddress; readonly run: RemovedRun },
): Promise<void> {
  const path = statusOf(address, runId, commit);
  if (path === undefined) return;
  // On sourcehut a status belongs to a commit, and another job of the commit may have written it since.
  const isShared =
    address.host === 'sourcehut' &&
    commit !== undefined &&
    state.jobsOfCommit(commit).some((j) => j.address.host === 'sourcehut' && j.address.job === address.job);
  if (isShared) return;
  await rm(join(site, path), { force: true });
  await removeEmpty(dirname(join(site, path)));
}

function statusOf(
  address: JobAddress,
  runId: RunId | undefined,
  commit: CommitHash | undefined,
): SitePath | undefined {
  const { host, job, name } = address;
  const { run, attempt } = splitFolder(address);
  switch (host) {
    case 'github':
      return runId && statusFile({ host, number: run as RunId, runId, attempt, job });
    case 'sourcehut':
      return commit && statusFile({ host, jobId: name, commit, job });
    case 'local':
      return statusFile({ host, run: run as RunId, attempt, job });
  }
}

async function deleteArtifacts(
  site: string,
  state: SiteState,
  { host, commit, paths }: ArtifactRemoval,
): Promise<void> {
  const root = join(site, commitArtifactFolder(host, commit));
  const kept = new Set(state.artifacts(host, commit));
  const folders = new Set<string>();
  for (const path of paths.filter((p) => !kept.has(p))) {
    await rm(join(root, path), { force: true });
    for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at);
  }
  const deepestFirst = [...folders].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const folder of deepestFirst) await removeEmpty(join(root, folder));
  await removeEmpty(root);
}

const removeEmpty = (path: string): Promise<void> =>
  rmdir(path).catch((error: unknown) => {
    // The folder has other files, or does not exist.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  });

const unlessMissing = (error: unknown): void => {
  if (!isMissing(error)) throw error;
};
