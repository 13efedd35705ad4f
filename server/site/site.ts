/** A site that is being written: its lock, state, log and pages together. Everything that changes it goes through here. */
import type { JobEvent } from '../../model/event.js';
import type { CommitHash, WorkerHost } from '../../model/name.js';
import { accept, type Result } from '../../model/result.js';
import type { PageChanges } from '../state/page-changes.js';
import { JobDetailsCache } from '../store/job-details-cache.js';
import { PendingUploads } from '../pages/pending-uploads.js';
import { placeJob, type StoreJobResult } from './place-job.js';
import type { ServerLimits } from '../config/limits.js';
import { refreshPages, type OpenedPages } from './refresh-pages.js';
import { pageVersion } from '../pages/page-version.js';
import type { JobDestination } from '../state/job-destination.js';
import type { ArtifactRemoval, Removal } from '../store/removal-entry.js';
import { deleteRemoved } from './delete-removed.js';
import { emptyStaging, makePrivateFolder, type PrivateFolder } from '../disk/private-folder.js';
import { SerialQueue } from '../disk/serial-queue.js';
import { takeLock, type Lock } from '../disk/site-lock.js';
import { SiteLog } from '../store/site-log.js';
import { loadSite, type LoadedSite } from './load-site.js';
import type { SiteState } from '../state/site-state.js';
import { PageWriter } from '../pages/page-writer.js';
import { SnapshotWriter } from './snapshot-writer.js';
import type { StagedJob } from '../store/staged-job.js';
import { writeArtifact, type WriteResult } from '../store/write-job.js';
import { removeInterruptedWrites } from '../store/interrupted-writes.js';
import { writeStatus, type StatusUpdate, type WrittenStatus } from './status-writer.js';

export interface SiteOptions {
  readonly limits: ServerLimits;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  readonly title: string;
  /** false: reads all records and the whole log, whatever was remembered of them */
  readonly useSnapshot?: boolean;
}

interface SiteParts extends LoadedSite {
  readonly folder: string;
  readonly own: PrivateFolder;
  readonly options: SiteOptions;
  readonly lock: Lock;
  readonly details: JobDetailsCache;
  /** see pageVersion() */
  readonly pages: string;
}

export class Site {
  readonly folder: string;
  readonly own: PrivateFolder;
  readonly state: SiteState;
  readonly writer: PageWriter;
  /** what is about to be stored */
  readonly gathering = new PendingUploads();
  readonly details: JobDetailsCache;
  /** what was bad when the site was opened, one line each */
  readonly problems: readonly string[];
  readonly #options: SiteOptions;
  readonly #opened: Omit<OpenedPages, 'writer'>;
  readonly #log: SiteLog;
  readonly #snapshots: SnapshotWriter;
  readonly #lock: Lock;
  readonly #queue = new SerialQueue();
  /** the pages were brought to what the site knows */
  #isShown = false;
  /** removals whose files may still be there */
  #removing: Promise<void> = Promise.resolve();

  private constructor(parts: SiteParts) {
    const { folder, own, state, problems, options, log, lock, details, stale, pages } = parts;
    this.folder = folder;
    this.own = own;
    this.state = state;
    this.details = details;
    this.problems = problems;
    this.#options = options;
    this.#opened = parts;
    this.#log = new SiteLog(log);
    this.#lock = lock;
    this.#snapshots = new SnapshotWriter(own.snapshot, { site: folder, state, pages });
    this.writer = new PageWriter(folder, {
      state,
      details: details.read,
      gathering: this.gathering,
      ...(stale !== 'all' && { totals: stale.totals }),
    });
  }

  /** Takes the site's lock, clears what an interrupted writer left, and reads what the site knows. */
  static async open(folder: string, options: SiteOptions): Promise<Result<Site>> {
    const own = await makePrivateFolder(folder);
    const lock = await takeLock(own.lock, 'the site');
    if (!lock.ok) return lock;
    try {
      const { limits, now, title, useSnapshot = true } = options;
      await removeInterruptedWrites(folder, own.staging);
      await emptyStaging(own, { now: now(), partialSeconds: limits.partialSeconds });
      const details = new JobDetailsCache(folder, limits);
      const pages = await pageVersion(title);
      const started = await loadSite(folder, { own, limits, title, pages, details, useSnapshot }, now());
      return accept(new Site({ ...started, folder, own, options, lock: lock.value, details, pages }));
    } catch (error) {
      await lock.value.release();
      throw error;
    }
  }

  /** Brings the pages to what the site knows. How many were written. */
  async refreshPages(): Promise<number> {
    const before = this.writer.counts().pages;
    await refreshPages({ ...this.#opened, writer: this.writer });
    this.#isShown = true;
    return this.writer.counts().pages - before;
  }

  /** Stores a job that was checked. When this returns it is on the disk; `shown` settles when its pages are. */
  store(
    placement: JobDestination,
    staged: StagedJob,
  ): Promise<Result<{ readonly stored: StoreJobResult; readonly shown: Promise<void> }>> {
    return this.#queue.run(async () => {
      const found = await placeJob(this, placement, staged);
      if (!found.ok) return found;
      const { address, stored } = found.value;
      if (stored.kind === 'conflict') return accept({ stored, shown: Promise.resolve() });
      const { commit } = staged.record;
      const result: StoreJobResult = { kind: stored.kind, address, ...(commit !== undefined && { commit }) };
      if (stored.kind === 'same') return accept({ stored: result, shown: Promise.resolve() });
      const { record, rows, end, wwzBytes } = staged;
      const arrived = {
        address,
        record,
        rows,
        end,
        problems: [],
        ...(wwzBytes !== undefined && { wwzBytes }),
      };
      this.details.put(address, arrived);
      const shown = this.#follow(this.state.addJob(arrived, this.#options.now()));
      await this.#logged(
        this.#log.appendDone({
          ...{ kind: 'record', time: this.#options.now(), address },
          ...{ digests: staged.digests, found: false },
        }),
      );
      return accept({ stored: result, shown });
    });
  }

  /** Logs an event; when this returns it is on the disk. `shown` settles when the pages show it. */
  recordEvent(event: JobEvent): Promise<{ readonly shown: Promise<void> }> {
    return this.#queue.run(async () => {
      const time = this.#options.now();
      await this.#logged(this.#log.append({ kind: 'event', time, event }));
      return { shown: this.#follow(this.state.addEvent(event, time)) };
    });
  }

  /** Gives up jobs of which nothing was heard for so long; how many. `shown` settles when the pages show it. */
  markLostJobs(seconds: number): Promise<{ readonly count: number; readonly shown: Promise<void> }> {
    return this.#queue.run(async () => {
      const time = this.#options.now();
      const silent = this.state.findStaleJobs(seconds, time);
      const entries = silent.map((address) => ({ kind: 'given-up', time, address }) as const);
      await this.#logged(this.#log.append(...entries));
      const changes = silent.map((address) => this.#follow(this.state.markLost(address, time)));
      return { count: silent.length, shown: Promise.all(changes).then(() => undefined) };
    });
  }

  /** Writes the status API's line of a job, as its stored record says; refuses what the record contradicts. */
  writeStatus(wish: StatusUpdate): Promise<Result<WrittenStatus>> {
    return this.#queue.run(() => writeStatus(this.folder, this.state, { wish, time: this.#options.now() }));
  }

  /** Stores a file published for a commit. */
  addArtifact(
    file: { readonly host: WorkerHost; readonly commit: CommitHash; readonly path: string },
    staged: string,
  ): Promise<{ readonly stored: WriteResult; readonly shown: Promise<void> }> {
    return this.#queue.run(async () => {
      // Logged before it is there: a start after a crash between the two looks at the commit's page again.
      const stored = await writeArtifact(this.folder, file, {
        staged,
        before: () =>
          this.#logged(this.#log.append({ kind: 'artifact', time: this.#options.now(), ...file })),
      });
      if (stored.kind !== 'new') return { stored, shown: Promise.resolve() };
      return { stored, shown: this.#follow(this.state.addArtifact(file.host, file.commit, file.path)) };
    });
  }

  /** changes that wait for their turn, the one under way included */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Removes what `choose` says when its turn comes: it is logged and known to be gone, then the pages follow, then the
   * files are deleted. What a crash leaves undone, the next start does. How many entries.
   */
  async remove(choose: () => readonly (Removal | ArtifactRemoval)[]): Promise<number> {
    const work = this.#remove(choose);
    this.#removing = Promise.allSettled([this.#removing, work]).then(() => undefined);
    return work;
  }

  async #remove(choose: () => readonly (Removal | ArtifactRemoval)[]): Promise<number> {
    const { entries, shown } = await this.#queue.run(async () => {
      const chosen = choose();
      if (chosen.length === 0) return { entries: chosen, shown: Promise.resolve() };
      // Not through #logged(): a snapshot that it begins would end behind entries whose files are still there.
      await this.#log.append(...chosen);
      const changes = chosen.map((entry) =>
        entry.kind === 'removed'
          ? this.state.remove(entry)
          : this.state.removeArtifacts(entry.host, entry.commit),
      );
      for (const entry of chosen) {
        if (entry.kind !== 'removed') continue;
        for (const { job } of entry.jobs) this.details.delete({ ...entry.folder, job });
      }
      return { entries: chosen, shown: Promise.all(changes.map((change) => this.#follow(change))) };
    });
    try {
      await shown;
    } finally {
      // On a disk that is full pages fail; this is what makes room for them.
      await this.#queue.run(() => deleteRemoved(this.folder, this.state, entries));
    }
    return entries.length;
  }

  #follow(change: PageChanges): Promise<void> {
    if (change.folders.length === 0 && change.commits.length === 0) return Promise.resolve();
    const shown = this.writer.schedule(change);
    // Whoever does not wait for the pages must not be ended by them.
    shown.catch(() => undefined);
    return shown;
  }

  /** Waits until entries are logged; a file of the log that is full then is a time for a snapshot. */
  async #logged(entries: Promise<void>): Promise<void> {
    await entries;
    if (!(await this.#log.rotate())) return;
    const removing = this.#removing;
    this.#snapshots.keepLater(this.#log.end, async () => {
      await removing;
      if (!(await this.writer.flush())) throw new Error('cannot keep a snapshot: pages are behind');
    });
  }

  /** Finishes what was accepted, remembers what the site knows, and gives the site free. */
  async close(): Promise<void> {
    await this.#removing;
    await this.#queue.idle();
    // A snapshot says that the pages show all: the next start would not look at those that could not be written.
    const areShown = await this.writer.flush();
    await (areShown && this.#isShown && this.#log.isComplete
      ? this.#snapshots.keep(this.#log.end)
      : this.#snapshots.idle());
    await this.#log.close();
    await this.#lock.release();
  }
}
