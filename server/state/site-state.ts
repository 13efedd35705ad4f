/**
 * The state of a site in memory. Records and events are added one by one; each change returns the pages that it
 * affects.
 */
import type { JobEvent } from '../../model/event.js';
import type { CommitHash, JobName, RunId, WorkerHost } from '../../model/name.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../model/run.js';
import type { Result } from '../../model/result.js';
import { resolveFolder, type JobDestination } from './job-destination.js';
import type { StoredJob } from '../store/stored-job.js';
import { mergeChanges, noChanges, type PageChanges } from './page-changes.js';
import { addEvent } from './job-events.js';
import { EventRouter, type Received, type ReceivedEvent } from './event-router.js';
import { toRecordedJob, internJob, createInterner } from './job-summary.js';
import type { Removal } from '../store/removal-entry.js';
import { RunFolders } from './run-folders.js';
import type { RunSource } from './run-fold.js';
import { RunIndex } from './run-index.js';
import type { RunList } from './run-list.js';
import { folderKey, RunTable, type RunEntry } from './run-entry.js';
import type { BranchCommit, Job, FinishedJob, RecordedJob, Run, RunGroup, SiteReader } from './site-view.js';

export class SiteState implements SiteReader {
  readonly title: string;
  readonly #runFolders = new RunFolders();
  readonly #intern = createInterner();
  readonly #table = new RunTable();
  readonly #index = new RunIndex(this.#table, this.#runFolders);
  readonly #events = new EventRouter(this.#runFolders);

  constructor(title: string) {
    this.title = title;
  }

  /** Runs `work`, which may add many records and events. Then folds runs and sorts lists, once. */
  load(work: () => void): void {
    this.#index.load(work);
  }

  /** Returns the part of a stored job that stays in memory. */
  summarize(job: StoredJob): RecordedJob {
    return toRecordedJob(job, this.#intern);
  }

  /** Adds a job whose files are in the site, or replaces it. `received`: when it was stored. */
  addJob(job: StoredJob, received?: Received): PageChanges {
    const summarized = this.summarize(job);
    if (received === undefined) return this.restoreJob(summarized);
    this.#noteRecord(job.address, received);
    const { runId } = summarized.summary.origin;
    const held = job.address.host === 'github' ? this.#events.firstHeld(runId) : undefined;
    if (held !== undefined) this.#table.get(job.address).noteArrival(held);
    return this.restoreJob({ ...summarized, receivedTime: received.time });
  }

  /** Adds from the log when a stored record was received. Call it inside load(). */
  noteReceived(address: JobAddress, received: Received): void {
    const entry = this.#table.find(address);
    if (entry === undefined) return;
    this.#noteRecord(address, received);
    const job = entry.recorded.get(address.job);
    if (job !== undefined) entry.recorded.set(address.job, { ...job, receivedTime: received.time });
  }

  /**
   * Adds records that were in the folder when a server started, which `first` and the lines after it in the log name.
   * Their order is that of their names. Call it inside load().
   */
  noteFound(addresses: readonly JobAddress[], first: number): void {
    const entries = addresses.flatMap((address) => this.#table.find(address) ?? []);
    if (entries.length > 0) this.#index.noteFound(entries, first);
  }

  #noteRecord(folder: RunFolder, { time, sequence }: Received): void {
    const entry = this.#table.get(folder);
    entry.noteRecordTime(time);
    entry.noteArrival(sequence);
  }

  /** Adds a job that is summarized already. */
  restoreJob(job: RecordedJob): PageChanges {
    const { address } = job;
    const entry = this.#table.get(address);
    if (entry.removed !== undefined) return noChanges;
    entry.recorded.set(address.job, internJob(job, this.#intern));
    if (address.host !== 'github') return this.#index.update(entry);
    const { runId } = job.summary.origin;
    this.#runFolders.confirm(splitFolder(address).run as RunId, runId);
    return mergeChanges([this.#index.update(entry), this.#addReceived(this.#events.release(runId))]);
  }

  /** Adds the events of a run folder from a snapshot. */
  restoreEvents({ folder, arrival, runId, events, expected, lostAt }: Omit<RunSource, 'recorded'>): void {
    const entry = this.#table.get(folder);
    if (arrival > 0) entry.noteArrival(arrival);
    if (runId !== undefined) this.#runFolders.reserve(entry.runName as RunId, runId);
    for (const [job, facts] of events) entry.events.set(job, facts);
    for (const job of expected) entry.expected.add(job);
    for (const [job, time] of lostAt) entry.lostAt.set(job, time);
    this.#index.update(entry);
  }

  addEvent(event: JobEvent, received: Received): PageChanges {
    const isReserved = this.#events.reserveFolder(event);
    if (!isReserved) return this.#addReceived([{ event, ...received }]);
    return this.#addReceived([...this.#events.release(event.runId), { event, ...received }]);
  }

  /** Marks a job as lost at `time`. An event after that makes it running again. */
  markLost({ job, ...folder }: JobAddress, time: number): PageChanges {
    const entry = this.#table.get(folder);
    if (entry.removed !== undefined) return noChanges;
    entry.lostAt.set(job, Math.max(entry.lostAt.get(job) ?? time, time));
    return this.#index.update(entry);
  }

  /** Lists running and expected jobs of runs without events or records for `seconds` before `now`. */
  findStaleJobs(seconds: number, now: number): readonly JobAddress[] {
    const time = now - seconds;
    return [...this.#index.unfinished()].flatMap((entry) => {
      if (entry.lastActivity(now) > time) return [];
      return (entry.run?.jobs ?? []).flatMap((job) =>
        (job.outcome === 'running' || job.outcome === 'expected') && (job.events.lastTime ?? 0) <= time
          ? [job.address]
          : [],
      );
    });
  }

  /** Adds an artifact of a commit. `path` is below the commit's artifact folder. */
  addArtifact(host: WorkerHost, commit: CommitHash, path: string): PageChanges {
    this.#index.commits.addArtifact(host, commit, path);
    return { ...noChanges, commits: [commit] };
  }

  /**
   * Removes the wwz files of a run's jobs, or a whole run. Of a whole run only the removal is kept; its later records
   * and events are ignored.
   */
  remove(removal: Removal): PageChanges {
    const entry = this.#table.get(removal.folder);
    if (removal.tier === 'wwz') {
      for (const job of removal.jobs) entry.removeWwz(job, removal);
      return this.#index.update(entry);
    }
    const { runId } = removal.run;
    if (entry.folder.host === 'github' && runId !== undefined) {
      this.#runFolders.confirm(entry.runName as RunId, runId);
    }
    return this.#index.remove(entry, removal);
  }

  /** Copies what only a snapshot has of a job to the job, whose files were read again. */
  restoreFacts(job: RecordedJob): void {
    // find(), not get(): a run whose folder was deleted by hand must not be added again.
    this.#table.find(job.address)?.restoreFacts(job);
  }

  removal(folder: RunFolder): Removal | undefined {
    return this.#table.find(folder)?.removed;
  }

  /** Removes every artifact of a commit. */
  removeArtifacts(host: WorkerHost, commit: CommitHash): PageChanges {
    this.#index.commits.removeArtifacts(host, commit);
    return { ...noChanges, commits: [commit] };
  }

  /** Returns every page that runs affect which changed while no server was running. */
  changesOf(folders: readonly RunFolder[]): PageChanges {
    const changes = folders.flatMap((folder) => {
      const entry = this.#table.find(folder);
      return entry === undefined ? [] : [this.#index.affectedPages(entry)];
    });
    const unique = new Map(mergeChanges(changes).folders.map((folder) => [folderKey(folder), folder]));
    const all = mergeChanges(changes);
    return {
      ...{ folders: [...unique.values()], commits: [...new Set(all.commits)], reordered: [] },
      ...{ branches: [...new Set(all.branches)], jobs: [...new Set(all.jobs)] },
    };
  }

  groups(host: WorkerHost): readonly RunGroup[] {
    return this.list(host).groups;
  }

  list(host: WorkerHost): RunList {
    return this.#index.list(host);
  }

  /** Lists every run, including removed ones, with its records and events. */
  entries(): Iterable<RunEntry> {
    return this.#table.all();
  }

  /** Lists events of GitHub runs whose number is not known yet. */
  waitingEvents(): Iterable<ReceivedEvent> {
    return this.#events.held();
  }

  running(host: WorkerHost): readonly Run[] {
    return this.#index.running(host);
  }

  run(folder: RunFolder): Run | undefined {
    return this.#table.find(folder)?.run;
  }

  attempts(folder: RunFolder): readonly Run[] {
    return this.#table
      .attempts(folder)
      .flatMap(({ run }) => run ?? [])
      .sort((a, b) => b.attempt - a.attempt);
  }

  jobsOfCommit(commit: CommitHash): readonly Job[] {
    return this.#index.commits.jobsOf(commit);
  }

  artifacts(host: WorkerHost, commit: CommitHash): readonly string[] {
    return this.#index.commits.artifacts(host, commit);
  }

  branches(): Iterable<string> {
    return this.#index.branches.branches();
  }

  jobs(branch?: string): readonly JobName[] {
    const { branches } = this.#index;
    return branch === undefined ? branches.jobs() : branches.jobsOf(branch);
  }

  branchCommits(branch: string, count: number): readonly BranchCommit[] {
    return this.#index.branches.commits(branch, count);
  }

  history(job: JobName, count: number, branch?: string): readonly FinishedJob[] {
    return this.#index.branches.history(job, count, branch);
  }

  commits(): Iterable<CommitHash> {
    return this.#index.commits.all();
  }

  hostsOfCommit(commit: CommitHash): readonly WorkerHost[] {
    return this.#index.commits.hostsOf(commit);
  }

  recordedJob(address: JobAddress): RecordedJob | undefined {
    return this.#table.find(address)?.recorded.get(address.job);
  }

  githubRunName(runId: RunId): RunId | undefined {
    return this.#runFolders.baseOf(runId);
  }

  /** Returns the folder that an attempt of a job's run has or would have. Reserves nothing. */
  resolveFolder(destination: JobDestination, attempt: number): Result<RunFolder> {
    return resolveFolder(destination, attempt, this.#runFolders);
  }

  /** Returns the folder that an event belongs to; undefined while the number of its GitHub run is not known. */
  folderOf(event: JobEvent): RunFolder | undefined {
    return this.#events.folderOf(event);
  }

  /** Adds events, and folds each run that they are about once. */
  #addReceived(events: readonly ReceivedEvent[]): PageChanges {
    const entries = new Set<RunEntry>();
    for (const received of events) {
      const { event, time, sequence } = received;
      const folder = this.#events.folderOf(event);
      if (folder === undefined) {
        this.#events.hold(received);
        continue;
      }
      const entry = this.#table.get(folder);
      if (entry.removed !== undefined) continue;
      entry.noteArrival(sequence);
      entry.events.set(event.job, addEvent(entry.events.get(event.job), event, time));
      for (const job of event.expectedJobs) entry.expected.add(job);
      entries.add(entry);
    }
    return mergeChanges([...entries].map((entry) => this.#index.update(entry)));
  }
}
