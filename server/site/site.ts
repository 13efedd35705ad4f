/** An open site, which is the only way to change one. Holds the site's lock until it is closed. */
import type { JobEvent } from '../../model/event.js';
import { accept, type Result } from '../../model/result.js';
import { makePrivateFolder } from '../disk/private-folder.js';
import { SerialQueue } from '../disk/serial-queue.js';
import { takeLock, type Lock } from '../../files/process-lock.js';
import type { JobDestination } from '../state/job-destination.js';
import type { SiteReader } from '../state/site-view.js';
import type { ArtifactRemoval, Removal } from '../store/removal-entry.js';
import type { Sender } from '../store/log-entry.js';
import type { PublishedFile } from '../store/site-scan.js';
import type { StagedJob } from '../store/staged-job.js';
import { writeArtifact, type WriteResult } from '../store/write-job.js';
import { JobStore, type StoreJobResult } from './job-store.js';
import { loadSite, type LoadedSite, type LoadOptions } from './load-site.js';
import { PageUpdater } from './page-updater.js';
import { RunRemover } from './run-remover.js';
import { SiteLog } from './site-log.js';
import type { SiteParts } from './site-parts.js';
import { SnapshotWriter } from './snapshot.js';
import { writeStatus, type StatusUpdate, type WrittenStatus } from './status-writer.js';

export interface SiteOptions extends LoadOptions {
  /** called after each rewrite of pages with its duration in seconds */
  readonly onRewrite?: (seconds: number) => void;
  /** called when a page or the log has grown by so many bytes; `path`: the page, below the site */
  readonly onBytes?: (bytes: number, path?: string) => void;
}

export interface SiteCounts {
  /** changes in the queue, including the one in progress */
  readonly waiting: number;
  /** rewrites of pages that succeeded */
  readonly rewrites: number;
  /** page files whose bytes changed */
  readonly pages: number;
}

export type { StoreJobRefusal, StoreJobResult } from './job-store.js';
export type { StatusUpdate, WrittenStatus } from './status-writer.js';

interface OpenSite {
  readonly options: SiteOptions;
  readonly lock: Lock;
  readonly snapshotFile: string;
}

/** Operations that change the site run one at a time. Each `pagesWritten` resolves when the pages show the change. */
export class Site {
  readonly folder: string;
  /** the current runs, jobs and commits; changes with the site */
  readonly view: SiteReader;
  /** what could not be read when the site was opened, one line each */
  readonly problems: readonly string[];
  readonly #parts: SiteParts;
  readonly #lock: Lock;
  readonly #jobs: JobStore;
  readonly #remover: RunRemover;
  readonly #snapshots: SnapshotWriter;

  private constructor(folder: string, loaded: LoadedSite, { options, lock, snapshotFile }: OpenSite) {
    const { state, details, pages: version } = loaded;
    const pages = new PageUpdater(folder, loaded, options);
    const snapshots = new SnapshotWriter(snapshotFile, { site: folder, state, pages: version });
    const log = new SiteLog(loaded.log, {
      onNewFile: (end) => {
        const removals = this.#remover.idle();
        snapshots.writeLater(end, () => removals.then(() => pages.flush()));
      },
      onBytes: options.onBytes,
    });
    this.folder = folder;
    this.view = state;
    this.problems = loaded.problems;
    this.#parts = { folder, state, details, log, pages, queue: new SerialQueue(), now: options.now };
    this.#jobs = new JobStore(this.#parts);
    this.#remover = new RunRemover(this.#parts);
    this.#snapshots = snapshots;
    this.#lock = lock;
  }

  /**
   * Takes the site's lock, completes or removes what a crash interrupted, and reads the site. Refuses a locked site.
   */
  static async open(folder: string, options: SiteOptions): Promise<Result<Site>> {
    const paths = await makePrivateFolder(folder);
    const lock = await takeLock(paths.lock, 'the site');
    if (!lock.ok) return lock;
    try {
      const loaded = await loadSite(folder, paths, options);
      return accept(new Site(folder, loaded, { options, lock: lock.value, snapshotFile: paths.snapshot }));
    } catch (error) {
      await lock.value.release();
      throw error;
    }
  }

  /** Writes the pages that were stale when the site was opened. Returns how many files changed. */
  refreshPages(): Promise<number> {
    return this.#parts.pages.refresh();
  }

  /** Stores a job that was checked. On return its files are on disk. */
  store(
    destination: JobDestination,
    staged: StagedJob,
    sender: Sender,
  ): Promise<Result<{ readonly stored: StoreJobResult; readonly pagesWritten: Promise<void> }>> {
    return this.#jobs.store(destination, staged, sender);
  }

  /**
   * Runs the last part of an upload. A rewrite of pages waits briefly for tracked uploads, so that it includes them.
   */
  trackUpload<T>(work: () => Promise<T>): Promise<T> {
    return this.#parts.pages.trackUpload(work);
  }

  /** Logs an event. On return it is on disk. */
  recordEvent(
    event: JobEvent,
    { id, jobs }: Sender,
  ): Promise<{ readonly logBytes: number; readonly pagesWritten: Promise<void> }> {
    const { state, log, pages, queue, now } = this.#parts;
    const sender = { id, jobs };
    return queue.run(async () => {
      const received = { time: now(), sequence: log.nextSequence, sender };
      const logBytes = await log.append({ kind: 'event', time: received.time, event, sender });
      return { logBytes, pagesWritten: pages.schedule(state.addEvent(event, received)) };
    });
  }

  /** Marks jobs without events for `seconds` as lost. Returns how many. */
  markLostJobs(seconds: number): Promise<{ readonly count: number; readonly pagesWritten: Promise<void> }> {
    const { state, log, pages, queue, now } = this.#parts;
    return queue.run(async () => {
      const time = now();
      const lost = state.findStaleJobs(seconds, time);
      await log.append(...lost.map((address) => ({ kind: 'lost', time, address }) as const));
      const changes = lost.map((address) => pages.schedule(state.markLost(address, time)));
      return { count: lost.length, pagesWritten: Promise.all(changes).then(() => undefined) };
    });
  }

  /** Writes a job's status file for the status API. Refuses a status that contradicts the job's stored record. */
  writeStatus(update: StatusUpdate): Promise<Result<WrittenStatus>> {
    const { folder, state, queue, now } = this.#parts;
    return queue.run(() => writeStatus(folder, state, { update, time: now() }));
  }

  /** Stores a staged file as an artifact of a commit. */
  addArtifact(
    file: PublishedFile,
    staged: string,
  ): Promise<{ readonly stored: WriteResult; readonly pagesWritten: Promise<void> }> {
    const { folder, state, log, pages, queue, now } = this.#parts;
    return queue.run(async () => {
      // Logged before the file is moved: after a crash between them, the next start writes the commit's page again.
      const before = async (): Promise<void> => {
        await log.append({ kind: 'artifact', time: now(), ...file });
      };
      const stored = await writeArtifact(folder, file, { staged, before });
      if (stored.kind !== 'new') return { stored, pagesWritten: Promise.resolve() };
      return { stored, pagesWritten: pages.schedule(state.addArtifact(file.host, file.commit, file.path)) };
    });
  }

  /**
   * Removes what `choose` returns, which is called while no other change is made. Resolves with the number of entries
   * when the pages are written and the files deleted. After a crash, the next start deletes the rest.
   */
  remove(choose: () => readonly (Removal | ArtifactRemoval)[]): Promise<number> {
    return this.#remover.remove(choose);
  }

  counts(): SiteCounts {
    const { queue, pages } = this.#parts;
    const { rewrites, pages: written } = pages.counts();
    return { waiting: queue.length, rewrites, pages: written };
  }

  /** Resolves when no page is being written. */
  pagesIdle(): Promise<void> {
    return this.#parts.pages.idle();
  }

  /** Finishes the changes in progress, writes a snapshot and releases the lock. */
  async close(): Promise<void> {
    const { queue, pages, log } = this.#parts;
    await this.#remover.idle();
    await queue.idle();
    // The next start trusts the snapshot, so write none while a page or a line of the log is missing.
    const isComplete = (await pages.flush()) && log.isComplete;
    await (isComplete ? this.#snapshots.write(log.end) : this.#snapshots.idle());
    await log.close();
    await this.#lock.release();
  }
}
