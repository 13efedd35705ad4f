/** Reads a site without changing its folder: from its records and log, or from a snapshot and the log after it. */
import { valueOf } from '../../model/result.js';
import type { CommitHash } from '../../model/name.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../model/run.js';
import type { ServerLimits } from '../config/limits.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import type { ListTotals } from '../pages/page-plan.js';
import { noChanges, type PageChanges } from '../state/page-changes.js';
import type { Received } from '../state/event-router.js';
import { folderKey } from '../state/run-entry.js';
import { SiteState } from '../state/site-state.js';
import type { RecordedJob } from '../state/site-view.js';
import { readLog, type ReadLog } from '../store/event-log.js';
import type { JobDetailsCache } from '../store/job-details-cache.js';
import { addressKey, type JobDigests, type LogEntry, type Sender } from '../store/log-entry.js';
import { scanSite, type PublishedFile, type ScannedSite } from '../store/site-scan.js';
import { readSnapshot, type Snapshot, type SnapshotRun } from './snapshot.js';

export interface ReadOptions {
  readonly paths: PrivateFolder;
  readonly limits: ServerLimits;
  readonly title: string;
  /** the current version of the pages, see pageVersion(); undefined: all pages count as stale */
  readonly pages?: string;
  /** receives the details of every record that is read */
  readonly details: JobDetailsCache;
  /** false: reads every record and the whole log */
  readonly useSnapshot: boolean;
}

export interface ReadSite {
  readonly state: SiteState;
  readonly log: ReadLog;
  /** records in the folder that the log does not have */
  readonly unlogged: readonly { readonly address: JobAddress; readonly digests: JobDigests }[];
  /** what could not be read, one line each */
  readonly problems: readonly string[];
  /** pages of runs that the log says were removed, which may still exist */
  readonly removed: PageChanges;
  /** pages that may be stale; `all` if it is not known which */
  readonly stale: 'all' | { readonly change: PageChanges; readonly totals: ListTotals };
}

export async function readSite(site: string, options: ReadOptions): Promise<ReadSite> {
  const { snapshot, log } = await readSnapshotAndLog(options);
  const runs = snapshot?.runs ?? [];
  const state = new SiteState(options.title);
  const records = await readRecords(site, state, { runs, options });
  const changedRuns = runs.filter(({ folder }) => !records.unchanged.has(folderKey(folder)));
  const known = new Set(changedRuns.flatMap(jobKeys));
  const found = new Set(records.jobs.map(({ job }) => addressKey(job.address)));
  const logged = new Set(known);
  for (const { entry } of log.entries) if (entry.kind === 'record') logged.add(addressKey(entry.address));
  const unlogged = records.jobs
    .filter(({ job }) => !logged.has(addressKey(job.address)))
    .map(({ job: { address }, digests }) => ({ address, digests }));
  const touched = fillState(state, { runs, records, waiting: snapshot?.waiting ?? [], log, unlogged });

  const hasRemovals = log.entries.some(({ entry }) => entry.kind.startsWith('removed'));
  // If a record is missing, or the pages are of another version, any page may be stale.
  const isComplete = !hasRemovals && [...known].every((key) => found.has(key));
  const isCurrent = snapshot !== undefined && snapshot.pages === options.pages && isComplete;
  const change = state.changesOf(touched.folders);
  return {
    ...{ state, log },
    unlogged: unlogged.filter(({ address }) => state.removal(address) === undefined),
    problems: [...records.problems, ...log.problems],
    removed: removedPages(log),
    stale: isCurrent
      ? {
          change: { ...change, commits: [...new Set([...change.commits, ...touched.commits])] },
          totals: countRuns(runs),
        }
      : 'all',
  };
}

interface SavedState {
  readonly snapshot: Snapshot | undefined;
  /** the log after the snapshot, or the whole log */
  readonly log: ReadLog;
}

async function readSnapshotAndLog({ paths, useSnapshot }: ReadOptions): Promise<SavedState> {
  const snapshot = useSnapshot ? await readSnapshot(paths.snapshot) : undefined;
  const tail = snapshot && (await readLog(paths.log, snapshot.end));
  return tail?.ok === true
    ? { snapshot, log: tail.value }
    : { snapshot: undefined, log: valueOf(await readLog(paths.log)) };
}

interface ReadRecords extends ScannedSite {
  /** the jobs of every run folder that has changed since the snapshot */
  readonly jobs: readonly { readonly job: RecordedJob; readonly digests: JobDigests }[];
}

async function readRecords(
  site: string,
  state: SiteState,
  { runs, options }: { readonly runs: readonly SnapshotRun[]; readonly options: ReadOptions },
): Promise<ReadRecords> {
  const jobs: { readonly job: RecordedJob; readonly digests: JobDigests }[] = [];
  const known = new Map(
    runs.flatMap(({ folder, stamp }) => (stamp === undefined ? [] : [[folderKey(folder), stamp] as const])),
  );
  const scanned = await scanSite(site, {
    limits: options.limits,
    known,
    onJob: (stored) => {
      options.details.put(stored.address, stored);
      jobs.push({ job: state.summarize(stored), digests: stored.digests });
    },
  });
  // Folders are read in no fixed order, but of two runs with one number, the same run must always get the folder.
  jobs.sort((a, b) => (addressKey(a.job.address) < addressKey(b.job.address) ? -1 : 1));
  return { ...scanned, jobs };
}

interface StateSources {
  readonly runs: readonly SnapshotRun[];
  readonly waiting: Snapshot['waiting'];
  readonly records: ReadRecords;
  readonly log: ReadLog;
  readonly unlogged: ReadSite['unlogged'];
}

/** Fills an empty state. Returns the run folders and commits whose pages may be stale. */
function fillState(
  state: SiteState,
  { runs, waiting, records, log, unlogged }: StateSources,
): { readonly folders: readonly RunFolder[]; readonly commits: ReadonlySet<CommitHash> } {
  const isUnchanged = ({ folder }: SnapshotRun): boolean => records.unchanged.has(folderKey(folder));
  const hasRecords = new Set(records.jobs.map(({ job }) => folderKey(job.address)));
  const published = new Set(records.artifacts.map(artifactKey));
  const isPublished = (file: PublishedFile): boolean => published.has(artifactKey(file));
  const folders = new Map<string, RunFolder>();
  const commits = new Set<CommitHash>();
  const touch = ({ host, name }: RunFolder): void => {
    folders.set(folderKey({ host, name }), { host, name });
  };
  state.load(() => {
    // Records first: they, and not events, decide which run has a folder.
    for (const run of runs) {
      if (isUnchanged(run)) for (const job of run.recorded.values()) state.restoreJob(job);
      else touch(run.folder);
    }
    for (const { job } of records.jobs) {
      state.restoreJob(job);
      touch(job.address);
    }
    for (const { host, commit, path } of records.artifacts) state.addArtifact(host, commit, path);
    for (const run of runs) {
      const isLive = isUnchanged(run) || run.events.size > 0 || hasRecords.has(folderKey(run.folder));
      if (isLive) state.restoreEvents(run);
    }
    for (const run of runs) {
      if (run.removed !== undefined) state.remove(run.removed);
      else if (!isUnchanged(run)) for (const job of run.recorded.values()) state.restoreFacts(job);
    }
    for (const { event, ...received } of waiting) state.addEvent(event, received);
    for (const { entry, sequence } of log.entries) {
      const folder = applyEntry(state, { entry, sequence }, isPublished);
      if (folder !== undefined) touch(folder);
      if (entry.kind === 'artifact') commits.add(entry.commit);
    }
    for (const { addresses, first } of foundTogether(log)) state.noteFound(addresses, first);
    const isStored = ({ address }: { readonly address: JobAddress }): boolean =>
      state.removal(address) === undefined;
    state.noteFound(
      unlogged.filter(isStored).map(({ address }) => address),
      log.end.sequence + 1,
    );
  });
  return { folders: [...folders.values()], commits };
}

/** Applies an entry of the log to the state. Returns the folder of the run that it concerns. */
function applyEntry(
  state: SiteState,
  { entry, sequence }: { readonly entry: LogEntry; readonly sequence: number },
  isPublished: (file: PublishedFile) => boolean,
): RunFolder | undefined {
  switch (entry.kind) {
    case 'event':
      state.addEvent(entry.event, receivedAs(entry, sequence));
      return state.folderOf(entry.event, entry.sender);
    case 'lost':
      state.markLost(entry.address, entry.time);
      return entry.address;
    case 'record':
      // The record itself was read from the folder.
      if (!entry.found) state.noteReceived(entry.address, receivedAs(entry, sequence));
      return entry.address;
    case 'removed':
      state.remove(entry);
      return entry.folder;
    case 'removed-artifacts':
      state.removeArtifacts(entry.host, entry.commit);
      return undefined;
    case 'artifact':
      // The scan has found it, but an earlier entry may have removed the artifacts of its commit from the state.
      if (isPublished(entry)) state.addArtifact(entry.host, entry.commit, entry.path);
      return undefined;
    case 'repaired':
      return undefined;
  }
}

/** Lists the records that were in the folder when a server started, with the first line of the log about each start. */
function foundTogether({
  entries,
}: ReadLog): readonly { readonly addresses: readonly JobAddress[]; readonly first: number }[] {
  const starts: { addresses: JobAddress[]; readonly first: number; last: number; readonly time: number }[] =
    [];
  for (const { entry, sequence } of entries) {
    if (entry.kind !== 'record' || !entry.found) continue;
    const current = starts.at(-1);
    if (current !== undefined && current.last + 1 === sequence && current.time === entry.time) {
      current.addresses.push(entry.address);
      current.last = sequence;
    } else starts.push({ addresses: [entry.address], first: sequence, last: sequence, time: entry.time });
  }
  return starts;
}

/** Returns the commits, branches and jobs of the runs that the log says were removed. */
function removedPages({ entries }: ReadLog): PageChanges {
  const removals = entries.flatMap(({ entry }) => (entry.kind === 'removed' ? [entry] : []));
  return {
    ...noChanges,
    commits: [...new Set(removals.flatMap(({ run }) => run.commit ?? []))],
    branches: [...new Set(removals.flatMap(({ run }) => run.branch ?? []))],
    jobs: [...new Set(removals.flatMap(({ jobs }) => jobs.map(({ job }) => job)))],
  };
}

/** Counts the runs of each host, with all attempts of a run as one. */
function countRuns(runs: readonly SnapshotRun[]): ListTotals {
  const names = new Map<RunFolder['host'], Set<string>>();
  for (const { folder } of runs) {
    const known = names.get(folder.host) ?? new Set();
    names.set(folder.host, known.add(splitFolder(folder).run));
  }
  return new Map([...names].map(([host, known]) => [host, known.size]));
}

const jobKeys = ({ recorded }: SnapshotRun): readonly string[] =>
  [...recorded.values()].map(({ address }) => addressKey(address));

const artifactKey = ({ host, commit, path }: PublishedFile): string => `${host}/${commit}/${path}`;

const receivedAs = (
  { time, sender }: { readonly time: number; readonly sender?: Sender },
  sequence: number,
): Received => ({ time, sequence, ...(sender !== undefined && { sender }) });
