/** A job that was sent -> the folder of the site that it belongs in, and its files there. */
import type { CommitHash } from '../../model/name.js';
import type { SitePath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import { planFolder, type JobDestination } from '../state/job-destination.js';
import type { SiteState } from '../state/site-state.js';
import type { StagedJob } from '../store/staged-job.js';
import { compareJob, writeJobFiles, type WriteResult } from '../store/write-job.js';

/** What became of a job that was sent. */
export type StoreJobResult =
  | { readonly kind: 'new' | 'same'; readonly address: JobAddress; readonly commit?: CommitHash }
  | { readonly kind: 'conflict'; readonly path: SitePath };

/** Attempts of a client that does not count them; a run that is repeated more often is refused. */
const attemptsTried = 1000;

interface JobSite {
  readonly folder: string;
  readonly state: SiteState;
}

/** Stores a job in the first attempt of its run that is free, or in the one that it counts itself as. One call at a time for a site. */
export async function placeJob(
  { folder: site, state }: JobSite,
  placement: JobDestination,
  staged: StagedJob,
): Promise<Result<{ readonly address: JobAddress; readonly stored: WriteResult }>> {
  const files = { folder: staged.folder, hasWwz: staged.wwzBytes !== undefined };
  const counted = placement.host === 'sourcehut' ? 1 : placement.attempt;
  for (let attempt = counted ?? 1; attempt <= (counted ?? attemptsTried); attempt++) {
    const folder = planFolder(placement, attempt, state.runFolders);
    if (!folder.ok) return folder;
    const address: JobAddress = { ...folder.value, job: placement.job };
    const removed = compareRemoved(state, address, staged);
    if (removed !== undefined && !removed.ok && counted !== undefined) return removed;
    if (removed?.ok === false) continue;
    if (removed !== undefined) return accept({ address, stored: { kind: 'same' } });
    const isEmptied = state.recordedJob(address)?.summary.removedWwz?.bytes === staged.wwzBytes;
    const compared = await compareJob(site, address, isEmptied ? { ...files, hasWwz: false } : files);
    const isTaken = compared !== 'free' && compared.kind === 'conflict';
    if (isTaken && counted === undefined) continue;
    if (compared !== 'free') return accept({ address, stored: compared });
    return accept({ address, stored: await writeJobFiles(site, address, files) });
  }
  return refuse(`cannot store the job: ${attemptsTried} attempts of it are there already`);
}

/** Of a run that was removed: the files that were there are the same as ever; any other come too late. */
function compareRemoved(
  state: SiteState,
  address: JobAddress,
  { digests }: StagedJob,
): Result<true> | undefined {
  const removal = state.removal(address);
  if (removal === undefined) return undefined;
  const known = removal.jobs.find(({ job }) => job === address.job);
  if (known?.json === digests.json && known.tsv === digests.tsv) return accept(true);
  const when = new Date(removal.time * 1000).toISOString().slice(0, 10);
  return refuse(
    `cannot store job ${quote(address.job)}: run ${quote(address.name)} was removed on ${when}, since it was ${removal.rule}`,
  );
}
