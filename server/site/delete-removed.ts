/** What the log says was removed -> off the disk: files of jobs, their status, artifacts, and folders that became empty. */
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
 * May be done again after a crash: what is gone already is no error, and what came after the removal is spared. The JSON
 * goes last, so that a folder that is half done still shows whose files are in it. One call at a time for a site.
 */
export async function deleteRemoved(
  site: string,
  state: SiteState,
  entries: readonly LogEntry[],
): Promise<void> {
  for (const entry of entries) {
    if (entry.kind === 'removed') await deleteOfRun(site, state, entry);
    else if (entry.kind === 'removed-artifacts') await deleteArtifacts(site, state, entry);
  }
}

async function deleteOfRun(
  site: string,
  state: SiteState,
  { folder, tier, run, jobs }: Removal,
): Promise<void> {
  const remove = (path: SitePath) => rm(join(site, path), { force: true });
  for (const { job } of jobs) {
    const address = { ...folder, job };
    const isGone = tier === 'run' || state.recordedJob(address)?.summary.wwzBytes === undefined;
    if (isGone) await remove(jobFile(address, 'wwz'));
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
  // On sourcehut the status is a commit's: another job of it may have written it since.
  const isSharedByAnotherJob =
    address.host === 'sourcehut' &&
    commit !== undefined &&
    state.jobsOfCommit(commit).some((j) => j.address.host === 'sourcehut' && j.address.job === address.job);
  if (isSharedByAnotherJob) return;
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
    // Something else is in it, or it is gone.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  });

const unlessMissing = (error: unknown): void => {
  if (!isMissing(error)) throw error;
};
