/** A site that is being written: its lock, state, log and pages together. Everything that changes it goes through here. */
import type { JobEvent } from '../model/event.js';
import type { CommitHash, WorkerHost } from '../model/name.js';
import { jobFile, type SitePath } from '../model/path.js';
import { accept, refuse, type Result } from '../model/result.js';
import type { JobAddress } from '../model/run.js';
import { removeTemporary } from './durable-file.js';
import { EventLog, readEventLog } from './event-log.js';
import type { ServerLimits } from './limits.js';
import { planFolder, type Placement } from './placement.js';
import { emptyStaging, makePrivateFolder, type PrivateFolder } from './private-folder.js';
import { SerialQueue } from './serial-queue.js';
import { takeLock, type Lock } from './site-lock.js';
import { scanSite } from './site-scan.js';
import { LiveState, type Change } from './site-state.js';
import { SiteWriter } from './site-writer.js';
import type { StagedJob } from './staged-job.js';
import { compareJob, storeArtifact, storeJob, type Stored } from './store.js';
import { writeStatus, type StatusWish, type WrittenStatus } from './status-writer.js';

export interface SiteOptions {
  readonly limits: ServerLimits;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  readonly title: string;
}

/** What became of a job that was sent. */
export type StoredJob =
  | { readonly kind: 'new' | 'same'; readonly address: JobAddress; readonly commit?: CommitHash }
  | { readonly kind: 'conflict'; readonly path: SitePath };

/** Attempts of a client that does not count them; a run that is repeated more often is refused. */
const attemptsTried = 1000;

export class Site {
  readonly folder: string;
  readonly own: PrivateFolder;
  readonly state: LiveState;
  readonly writer: SiteWriter;
  /** what was bad when the site was opened, one line each */
  readonly problems: readonly string[];
  readonly #options: SiteOptions;
  readonly #log: EventLog;
  readonly #lock: Lock;
  readonly #queue = new SerialQueue();

  private constructor(parts: {
    readonly folder: string;
    readonly own: PrivateFolder;
    readonly state: LiveState;
    readonly problems: readonly string[];
    readonly options: SiteOptions;
    readonly log: EventLog;
    readonly lock: Lock;
  }) {
    this.folder = parts.folder;
    this.own = parts.own;
    this.state = parts.state;
    this.problems = parts.problems;
    this.#options = parts.options;
    this.#log = parts.log;
    this.#lock = parts.lock;
    this.writer = new SiteWriter(parts.folder, parts.state);
  }

  /** Takes the site's lock, clears what an interrupted writer left, and reads what the site knows. */
  static async open(folder: string, options: SiteOptions): Promise<Result<Site>> {
    const own = await makePrivateFolder(folder);
    const lock = await takeLock(own.lock, 'the site');
    if (!lock.ok) return lock;
    try {
      const { limits, now, title } = options;
      await emptyStaging(own, { now: now(), partialSeconds: limits.partialSeconds });
      await removeTemporary(folder);
      const scanned = await scanSite(folder, limits);
      const read = await readEventLog(own.eventLog);
      const state = new LiveState(title);
      state.load(() => {
        // Records first: the folders that they have are theirs, whatever events say.
        for (const job of scanned.jobs) state.addJob(job);
        for (const { host, commit, path } of scanned.artifacts) state.addArtifact(host, commit, path);
        for (const entry of read.entries) if (entry.kind === 'event') state.addEvent(entry.event, entry.time);
      });
      const problems = [...scanned.problems, ...read.problems];
      const log = await EventLog.open(own.eventLog);
      return accept(new Site({ folder, own, state, problems, options, log, lock: lock.value }));
    } catch (error) {
      await lock.value.release();
      throw error;
    }
  }

  /** Stores a job that was checked. When this returns it is on the disk; `shown` settles when its pages are. */
  store(
    placement: Placement,
    staged: StagedJob,
  ): Promise<Result<{ readonly stored: StoredJob; readonly shown: Promise<void> }>> {
    return this.#queue.run(async () => {
      const found = await this.#findPlace(placement, staged);
      if (!found.ok) return found;
      const { address, stored } = found.value;
      if (stored.kind === 'conflict') return accept({ stored, shown: Promise.resolve() });
      const { commit } = staged.record;
      const result: StoredJob = { kind: stored.kind, address, ...(commit !== undefined && { commit }) };
      if (stored.kind === 'same') return accept({ stored: result, shown: Promise.resolve() });
      const { record, rows, end, wwzBytes } = staged;
      const change = this.state.addJob({
        ...{ address, record, rows, end, problems: [] },
        ...(wwzBytes !== undefined && { wwzBytes }),
      });
      const shown = this.writer.follow(change);
      // Whoever does not wait for the pages must not be ended by them.
      shown.catch(() => undefined);
      await this.#log.append({ kind: 'record', time: this.#options.now(), path: jobFile(address, 'json') });
      return accept({ stored: result, shown });
    });
  }

  async #findPlace(
    placement: Placement,
    staged: StagedJob,
  ): Promise<Result<{ readonly address: JobAddress; readonly stored: Stored }>> {
    const files = { folder: staged.folder, hasWwz: staged.wwzBytes !== undefined };
    const counted = placement.host === 'sourcehut' ? 1 : placement.attempt;
    for (let attempt = counted ?? 1; attempt <= (counted ?? attemptsTried); attempt++) {
      const folder = planFolder(placement, attempt, this.state.claims);
      if (!folder.ok) return folder;
      const address: JobAddress = { ...folder.value, job: placement.job };
      const compared = await compareJob(this.folder, address, files);
      const isTaken = compared !== 'free' && compared.kind === 'conflict';
      if (isTaken && counted === undefined) continue;
      return accept({ address, stored: await storeJob(this.folder, address, files) });
    }
    return refuse(`cannot store the job: ${attemptsTried} attempts of it are there already`);
  }

  /** Logs an event; when this returns it is on the disk. `shown` settles when the pages show it. */
  hear(event: JobEvent): Promise<{ readonly shown: Promise<void> }> {
    return this.#queue.run(async () => {
      const time = this.#options.now();
      await this.#log.append({ kind: 'event', time, event });
      return { shown: this.#follow(this.state.addEvent(event, time)) };
    });
  }

  /** Writes the status API's line of a job, as its stored record says; refuses what the record contradicts. */
  writeStatus(wish: StatusWish): Promise<Result<WrittenStatus>> {
    return this.#queue.run(() => writeStatus(this.folder, this.state, { wish, time: this.#options.now() }));
  }

  /** Stores a file published for a commit. */
  publish(
    file: { readonly host: WorkerHost; readonly commit: CommitHash; readonly path: string },
    staged: string,
  ): Promise<{ readonly stored: Stored; readonly shown: Promise<void> }> {
    return this.#queue.run(async () => {
      const stored = await storeArtifact(this.folder, file, staged);
      if (stored.kind !== 'new') return { stored, shown: Promise.resolve() };
      return { stored, shown: this.#follow(this.state.addArtifact(file.host, file.commit, file.path)) };
    });
  }

  #follow(change: Change): Promise<void> {
    if (change.folders.length === 0 && change.commits.length === 0) return Promise.resolve();
    const shown = this.writer.follow(change);
    shown.catch(() => undefined);
    return shown;
  }

  /** Finishes what was accepted, and gives the site free. */
  async close(): Promise<void> {
    await this.#queue.idle();
    await this.writer.idle();
    await this.#log.close();
    await this.#lock.release();
  }
}
