/** Stores the files of jobs in an open site: in the run folder that a job belongs to, or in its first free attempt. */
import type { CommitHash } from '../../model/name.js';
import type { SitePath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { JobAddress } from '../../model/run.js';
import type { JobDestination } from '../state/job-destination.js';
import type { SiteState } from '../state/site-state.js';
import type { Sender } from '../store/log-entry.js';
import type { StagedJob } from '../store/staged-job.js';
import { noticesOf } from '../store/stored-job.js';
import { compareJob, writeJobFiles, type WriteResult } from '../store/write-job.js';
import type { SiteParts } from './site-parts.js';

/** Why a job was not stored. `conflict`: the site has other bytes at `path`. `contradiction`: its run is another. */
export type StoreJobRefusal =
  | { readonly kind: 'conflict'; readonly path: SitePath }
  | { readonly kind: 'contradiction'; readonly reason: string };

/** `same`: the site already has exactly these files. */
export type StoreJobResult =
  | { readonly kind: 'new' | 'same'; readonly address: JobAddress; readonly commit?: CommitHash }
  | StoreJobRefusal;

/** The number of attempts to try for a client that does not number them. */
const maxAttempts = 1000;

export class JobStore {
  readonly #parts: SiteParts;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  /** See Site.store(). */
  store(
    destination: JobDestination,
    staged: StagedJob,
    sender: Sender,
  ): Promise<Result<{ readonly stored: StoreJobResult; readonly pagesWritten: Promise<void> }>> {
    const { folder, state, queue } = this.#parts;
    return queue.run(async () => {
      const placed = await placeJob(folder, state, { destination, staged, sender });
      if (!placed.ok) return placed;
      const { address, written } = placed.value;
      if (written.kind === 'conflict' || written.kind === 'contradiction')
        return accept({ stored: written, pagesWritten: Promise.resolve() });
      const { commit } = staged.record;
      const stored: StoreJobResult = {
        ...{ kind: written.kind, address },
        ...(commit !== undefined && { commit }),
      };
      if (written.kind === 'same') return accept({ stored, pagesWritten: Promise.resolve() });
      const { pagesWritten } = await this.#record(address, staged, sender);
      return accept({ stored, pagesWritten });
    });
  }

  /** Adds a job, whose files are on disk, to the state and the log. */
  async #record(
    address: JobAddress,
    staged: StagedJob,
    { id, jobs }: Sender,
  ): Promise<{ readonly pagesWritten: Promise<void> }> {
    const { state, details, log, pages, now } = this.#parts;
    const { record, rows, end, wwzBytes, digests } = staged;
    const job = {
      ...{ address, record, rows, end, problems: [], ...noticesOf(accept(record)) },
      ...(wwzBytes !== undefined && { wwzBytes }),
    };
    details.put(address, job);
    const sender = { id, jobs };
    const received = { time: now(), sequence: log.nextSequence, sender };
    const pagesWritten = pages.schedule(state.addJob(job, received));
    await log.appendDone({ kind: 'record', time: received.time, address, digests, found: false, sender });
    return { pagesWritten };
  }
}

interface JobToPlace {
  readonly destination: JobDestination;
  readonly staged: StagedJob;
  readonly sender: Sender;
}

/**
 * Writes a job's files to the attempt that the client named, or to the first one that is free or has the same files.
 */
async function placeJob(
  site: string,
  state: SiteState,
  { destination, staged, sender }: JobToPlace,
): Promise<Result<{ readonly address: JobAddress; readonly written: WriteResult | StoreJobRefusal }>> {
  const files = { folder: staged.folder, hasWwz: staged.wwzBytes !== undefined };
  const counted = destination.host === 'sourcehut' ? 1 : destination.attempt;
  for (let attempt = counted ?? 1; attempt <= (counted ?? maxAttempts); attempt++) {
    const folder = state.resolveFolder(destination, attempt, sender);
    if (!folder.ok) return folder;
    const address: JobAddress = { ...folder.value, job: destination.job };
    const removed = compareRemoved(state, address, staged);
    if (removed !== undefined && !removed.ok && counted !== undefined) return removed;
    if (removed?.ok === false) continue;
    if (removed !== undefined) return accept({ address, written: { kind: 'same' } });
    const isWwzRemoved = state.recordedJob(address)?.summary.removedWwz?.bytes === staged.wwzBytes;
    const compared = await compareJob(site, address, isWwzRemoved ? { ...files, hasWwz: false } : files);
    const isTaken = compared !== 'free' && compared.kind === 'conflict';
    if (isTaken && counted === undefined) continue;
    if (compared !== 'free') return accept({ address, written: compared });
    const agrees = state.checkIdentity(folder.value, staged.record);
    if (!agrees.ok) return accept({ address, written: { kind: 'contradiction', reason: agrees.error } });
    return accept({ address, written: await writeJobFiles(site, address, files) });
  }
  return refuse(`cannot store job ${quote(destination.job)}: its run has ${maxAttempts} attempts already`);
}

/**
 * Compares a job with the same job of a removed run. Accepts the same files again, and refuses other files. Returns
 * undefined if the run was not removed.
 */
function compareRemoved(
  state: SiteState,
  address: JobAddress,
  { digests }: StagedJob,
): Result<true> | undefined {
  const removal = state.removal(address);
  if (removal === undefined) return undefined;
  const known = removal.jobs.find(({ job }) => job === address.job);
  if (known?.json === digests.json && known.tsv === digests.tsv) return accept(true);
  const date = new Date(removal.time * 1000).toISOString().slice(0, 10);
  return refuse(
    `cannot store job ${quote(address.job)}: run ${quote(address.name)} was removed on ${date}, since it was ${removal.rule}`,
  );
}
