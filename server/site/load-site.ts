/** A site's folder -> what the site knows: from its records and its log, or from a snapshot and what came after it. */
import type { CommitHash } from '../../model/name.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../model/run.js';
import { valueOf } from '../../model/result.js';
import type { JobDetailsCache } from '../store/job-details-cache.js';
import { cutTornLine, EventLog, readLog, type ReadLog } from '../store/event-log.js';
import type { ServerLimits } from '../config/limits.js';
import { addressKey, type JobDigests, type LogEntry } from '../store/log-entry.js';
import type { ListTotals } from '../pages/page-plan.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { deleteRemoved } from './delete-removed.js';
import { scanSite, type PublishedFile } from '../store/site-scan.js';
import { noChanges, type PageChanges } from '../state/page-changes.js';
import { SiteState } from '../state/site-state.js';
import { readSnapshot, type SnapshotRun } from './snapshot.js';
import type { RecordedJob } from '../state/site-view.js';

export interface LoadOptions {
  readonly own: PrivateFolder;
  readonly limits: ServerLimits;
  readonly title: string;
  /** what pages are made by now, see pageVersion() */
  readonly pages: string;
  readonly details: JobDetailsCache;
  /** false: from records and log alone */
  readonly useSnapshot: boolean;
}

/** What was read, without a change to the folder. */
export interface ReadSite {
  readonly state: SiteState;
  readonly log: ReadLog;
  /** records that are in the folder and not in the log */
  readonly unlogged: readonly { readonly address: JobAddress; readonly digests: JobDigests }[];
  /** what is bad, one line each */
  readonly problems: readonly string[];
  /** pages that may show less than the state knows; `all`: nothing is known of any */
  /** pages that may be there still of what the log says was removed */
  readonly removed: PageChanges;
  readonly stale: 'all' | { readonly change: PageChanges; readonly totals: ListTotals };
}

export async function readSite(site: string, options: LoadOptions): Promise<ReadSite> {
  const { own, limits, title, details, pages } = options;
  const { base, read } = await readMemory(own, options);
  const state = new SiteState(title);
  const found: { readonly job: RecordedJob; readonly digests: JobDigests }[] = [];
  const scanned = await scanSite(site, {
    limits,
    known: new Map(
      base?.runs.flatMap(({ folder, stamp }) =>
        stamp === undefined ? [] : [[keyOf(folder), stamp] as const],
      ),
    ),
    take: (arrived) => {
      details.put(arrived.address, arrived);
      found.push({ job: state.summarize(arrived), digests: arrived.digests });
    },
  });
  // Folders are read in no order; of two runs that claim one it must always be the same that gets it.
  found.sort((a, b) => (addressKey(a.job.address) < addressKey(b.job.address) ? -1 : 1));
  const isKept = (run: SnapshotRun): boolean => scanned.unchanged.has(keyOf(run.folder));
  const gone = new Set((base?.runs ?? []).filter((run) => !isKept(run)).flatMap((run) => addressesOf(run)));
  const logged = new Set(gone);
  for (const { entry } of read.entries) if (entry.kind === 'record') logged.add(addressKey(entry.address));
  const filled = new Set(found.map(({ job }) => keyOf(job.address)));
  const published = new Set(scanned.artifacts.map(artifactText));
  const isPublished = (file: PublishedFile): boolean => published.has(artifactText(file));
  const touched = new Map<string, RunFolder>();
  const commits = new Set<CommitHash>();
  const touch = ({ host, name }: RunFolder): void => {
    touched.set(keyOf({ host, name }), { host, name });
  };
  state.load(() => {
    // Records first: the folders that they have are theirs, whatever events say.
    for (const run of base?.runs ?? []) {
      if (isKept(run)) for (const job of run.recorded.values()) state.restoreJob(job);
      else touch(run.folder);
    }
    for (const { job } of found) {
      state.restoreJob(job);
      touch(job.address);
      gone.delete(addressKey(job.address));
    }
    for (const { host, commit, path } of scanned.artifacts) state.addArtifact(host, commit, path);
    for (const run of base?.runs ?? []) {
      if (isKept(run) || run.events.size > 0 || filled.has(keyOf(run.folder))) state.restoreEvents(run);
    }
    for (const run of base?.runs ?? []) {
      if (run.removed !== undefined) state.remove(run.removed);
      else if (!isKept(run)) for (const job of run.recorded.values()) state.restoreRemovedWwz(job);
    }
    for (const { event, time } of base?.waiting ?? []) state.addEvent(event, time);
    for (const { entry } of read.entries) {
      const folder = takeIn(entry, { state, isPublished });
      if (folder !== undefined) touch(folder);
      if (entry.kind === 'artifact') commits.add(entry.commit);
    }
  });
  const change = state.changesOf([...touched.values()]);
  const removed = removedPages(read);
  const wasPruned = read.entries.some(({ entry }) => entry.kind.startsWith('removed'));
  // Where a record is gone, or pages are made in another way, any page may show what is no more.
  const isKnown = base?.pages === pages && gone.size === 0 && !wasPruned;
  return {
    state,
    log: read,
    unlogged: found.flatMap(({ job: { address }, digests }) =>
      logged.has(addressKey(address)) || state.removal(address) !== undefined ? [] : [{ address, digests }],
    ),
    problems: [...scanned.problems, ...read.problems],
    removed,
    stale: isKnown
      ? {
          change: { ...change, commits: [...new Set([...change.commits, ...commits])] },
          totals: totalsOf(base.runs),
        }
      : 'all',
  };
}

export interface LoadedSite extends Omit<ReadSite, 'log' | 'unlogged'> {
  readonly log: EventLog;
}

/** Reads the site and goes on with its log; `now` in seconds since 1970, UTC. */
export async function loadSite(site: string, options: LoadOptions, now: number): Promise<LoadedSite> {
  const { unlogged, log: read, ...started } = await readSite(site, options);
  await cutTornLine(options.own.log);
  // A crash may have come between what was logged and the disk.
  await deleteRemoved(
    site,
    started.state,
    read.entries.map(({ entry }) => entry),
  );
  const log = await EventLog.open(options.own.log, read.end);
  // A crash may have come between a record and its line; and a folder may be another Soil's.
  await log.append(unlogged.map((record) => ({ kind: 'record', time: now, ...record, found: true })));
  return { ...started, log };
}

/** The snapshot with the log's tail, where both are there and fit; else the whole log. */
async function readMemory({ log, snapshot }: PrivateFolder, { useSnapshot }: LoadOptions) {
  const base = useSnapshot ? await readSnapshot(snapshot) : undefined;
  const tail = base && (await readLog(log, base.end));
  return tail?.ok === true
    ? { base, read: tail.value }
    : { base: undefined, read: valueOf(await readLog(log)) };
}

/** Takes an entry of the log in; what comes out is the folder whose pages show it. Records are in the folder itself. */
function takeIn(
  entry: LogEntry,
  {
    state,
    isPublished,
  }: { readonly state: SiteState; readonly isPublished: (file: PublishedFile) => boolean },
): RunFolder | undefined {
  switch (entry.kind) {
    case 'event':
      state.addEvent(entry.event, entry.time);
      return state.folderOf(entry.event);
    case 'given-up':
      state.markLost(entry.address, entry.time);
      return entry.address;
    case 'record':
      return entry.address;
    case 'removed':
      state.remove(entry);
      return entry.folder;
    case 'removed-artifacts':
      state.removeArtifacts(entry.host, entry.commit);
      return undefined;
    case 'artifact':
      // It is there already, unless artifacts of its commit were removed before it came.
      if (isPublished(entry)) state.addArtifact(entry.host, entry.commit, entry.path);
      return undefined;
    case 'repaired':
      return undefined;
  }
}

/** Commits, branches and jobs that runs which were removed had. */
function removedPages({ entries }: ReadLog): PageChanges {
  const removals = entries.flatMap(({ entry }) => (entry.kind === 'removed' ? [entry] : []));
  return {
    ...noChanges,
    commits: [...new Set(removals.flatMap(({ run }) => run.commit ?? []))],
    branches: [...new Set(removals.flatMap(({ run }) => run.branch ?? []))],
    jobs: [...new Set(removals.flatMap(({ jobs }) => jobs.map(({ job }) => job)))],
  };
}

const addressesOf = ({ recorded }: SnapshotRun): readonly string[] =>
  [...recorded.values()].map(({ address }) => addressKey(address));

function totalsOf(runs: readonly SnapshotRun[]): ListTotals {
  const names = new Map<RunFolder['host'], Set<string>>();
  for (const { folder } of runs) {
    const known = names.get(folder.host) ?? new Set();
    names.set(folder.host, known.add(splitFolder(folder).run));
  }
  return new Map([...names].map(([host, known]) => [host, known.size]));
}

const artifactText = ({ host, commit, path }: PublishedFile): string => `${host}/${commit}/${path}`;
const keyOf = ({ host, name }: RunFolder): string => `${host} ${name}`;
