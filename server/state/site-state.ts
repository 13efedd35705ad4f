/** The state of a site in memory: records and events go in one by one, views ask it. What each change touches comes out. */
import type { JobEvent } from '../../model/event.js';
import type { CommitHash, JobName, RunId, WorkerHost } from '../../model/name.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../model/run.js';
import type { Result } from '../../model/result.js';
import { resolveFolder, type JobDestination } from './job-destination.js';
import type { StoredJob } from '../store/stored-job.js';
import { mergeChanges, noChanges, type PageChanges } from './page-changes.js';
import { addEvent } from './job-events.js';
import { EventRouter, type ReceivedEvent } from './event-router.js';
import { jobOf, internJob, createInterner } from './job-summary.js';
import type { Removal } from '../store/removal-entry.js';
import { RunFolders } from './run-folders.js';
import type { RunEntry } from './run-entry.js';
import type { RunSource } from './run-fold.js';
import { RunIndex } from './run-index.js';
import type { RunList } from './run-list.js';
import { folderKey, RunTable } from './run-table.js';
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

  /** Takes in much at once. */
  load(work: () => void): void {
    this.#index.load(work);
  }

  /** What the site keeps of a job. */
  summarize(arrived: StoredJob): RecordedJob {
    return jobOf(arrived, this.#intern);
  }

  /** A job's files are in the site. The same job again replaces what is known of it. */
  addJob(arrived: StoredJob, time?: number): PageChanges {
    if (time !== undefined) this.#table.get(arrived.address).noteRecordTime(time);
    return this.restoreJob(this.summarize(arrived));
  }

  /** The same for a job that is known in short already. */
  restoreJob(job: RecordedJob): PageChanges {
    const { address } = job;
    const entry = this.#table.get(address);
    if (entry.removed !== undefined) return noChanges;
    entry.recorded.set(address.job, internJob(job, this.#intern));
    if (address.host !== 'github') return this.#index.changed(entry);
    const { runId } = job.summary.origin;
    this.#runFolders.confirm(splitFolder(address).run as RunId, runId);
    return mergeChanges([this.#index.changed(entry), ...this.#hearWaiting(runId)]);
  }

  /** What is known of a folder by events alone, as a snapshot has it. */
  restoreEvents({ folder, runId, events, expected, lostAt }: Omit<RunSource, 'arrived'>): void {
    const entry = this.#table.get(folder);
    if (runId !== undefined) this.#runFolders.reserve(entry.runName as RunId, runId);
    for (const [job, facts] of events) entry.events.set(job, facts);
    for (const job of expected) entry.expected.add(job);
    for (const [job, time] of lostAt) entry.lostAt.set(job, time);
    this.#index.changed(entry);
  }

  /** Something happened to a job; `time` in seconds since 1970, UTC. */
  addEvent(event: JobEvent, time: number): PageChanges {
    const isTold = this.#events.claim(event);
    const heard = this.#hear({ event, time });
    return isTold ? mergeChanges([heard, ...this.#hearWaiting(event.runId)]) : heard;
  }

  /** Nothing was heard of a job for too long; `time` is when that was found. */
  markLost({ job, ...folder }: JobAddress, time: number): PageChanges {
    const entry = this.#table.get(folder);
    if (entry.removed !== undefined) return noChanges;
    entry.lostAt.set(job, Math.max(entry.lostAt.get(job) ?? time, time));
    return this.#index.changed(entry);
  }

  /** Jobs that run or are expected, in runs of which nothing was heard for so many seconds before `now`. */
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

  /** A file was published for a commit, by its path below the commit's artifacts. */
  addArtifact(host: WorkerHost, commit: CommitHash, path: string): PageChanges {
    this.#index.commits.addArtifact(host, commit, path);
    return { ...noChanges, commits: [commit] };
  }

  /**
   * Takes out of the lists what goes: the wwz files of a run's jobs, or the whole run, of which the removal is then all
   * that is known. No record and no event brings it back.
   */
  remove(removal: Removal): PageChanges {
    const entry = this.#table.get(removal.folder);
    if (removal.tier === 'wwz') {
      for (const job of removal.jobs) entry.removeWwz(job, removal);
      return this.#index.changed(entry);
    }
    const { runId } = removal.run;
    if (entry.folder.host === 'github' && runId !== undefined) {
      this.#runFolders.confirm(entry.runName as RunId, runId);
    }
    return this.#index.remove(entry, removal);
  }

  /** What a snapshot remembers of a wwz, of a job whose other files were read anew. */
  restoreRemovedWwz(job: RecordedJob): void {
    // A run whose folder was taken away by hand is no run any more: nothing of it is to come back here.
    this.#table.find(job.address)?.restoreRemovedWwz(job);
  }

  /** What is remembered of a run that was removed. */
  removal(folder: RunFolder): Removal | undefined {
    return this.#table.find(folder)?.removed;
  }

  /** Takes out what was published for a commit. */
  removeArtifacts(host: WorkerHost, commit: CommitHash): PageChanges {
    this.#index.commits.removeArtifacts(host, commit);
    return { ...noChanges, commits: [commit] };
  }

  /** What pages must follow when these runs changed, in a way that nobody saw. */
  changesOf(folders: readonly RunFolder[]): PageChanges {
    const changes = folders.flatMap((folder) => {
      const entry = this.#table.find(folder);
      return entry === undefined ? [] : [this.#index.reach(entry)];
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

  /** Every run with what it is folded from. */
  entries(): Iterable<RunEntry> {
    return this.#table.all();
  }

  /** Events of runs whose number nobody has told yet. */
  waitingEvents(): Iterable<ReceivedEvent> {
    return this.#events.waiting();
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

  /** Every branch that has a commit. */
  branches(): Iterable<string> {
    return this.#index.names.branches();
  }

  /** Every job that has ended somewhere, or on one branch. */
  jobs(branch?: string): readonly JobName[] {
    const { names } = this.#index;
    return branch === undefined ? names.jobs() : names.jobsOf(branch);
  }

  branchCommits(branch: string, count: number): readonly BranchCommit[] {
    return this.#index.names.commits(branch, count);
  }

  history(job: JobName, count: number, branch?: string): readonly FinishedJob[] {
    return this.#index.names.history(job, count, branch);
  }

  /** Every commit that has a page. */
  commits(): Iterable<CommitHash> {
    return this.#index.commits.all();
  }

  /** The hosts in whose folder a commit has a page: those with a job of it, or with artifacts. */
  hostsOfCommit(commit: CommitHash): readonly WorkerHost[] {
    return this.#index.commits.hostsOf(commit);
  }

  /** The job, where its files have arrived. */
  recordedJob(address: JobAddress): RecordedJob | undefined {
    return this.#table.find(address)?.recorded.get(address.job);
  }

  githubRunName(runId: RunId): RunId | undefined {
    return this.#runFolders.baseOf(runId);
  }

  /** The folder that an attempt of a job's run has, or would have. Reserves nothing. */
  resolveFolder(destination: JobDestination, attempt: number): Result<RunFolder> {
    return resolveFolder(destination, attempt, this.#runFolders);
  }

  /** Where the events of a job belong; undefined while nobody has told the number of its run. */
  folderOf(event: JobEvent): RunFolder | undefined {
    return this.#events.folderOf(event);
  }

  #hear({ event, time }: ReceivedEvent): PageChanges {
    const folder = this.#events.folderOf(event);
    if (folder === undefined) {
      this.#events.keep({ event, time });
      return noChanges;
    }
    const entry = this.#table.get(folder);
    if (entry.removed !== undefined) return noChanges;
    entry.events.set(event.job, addEvent(entry.events.get(event.job), event, time));
    for (const job of event.expectedJobs) entry.expected.add(job);
    return this.#index.changed(entry);
  }

  #hearWaiting(runId: RunId | undefined): readonly PageChanges[] {
    return this.#events.take(runId).map((heard) => this.#hear(heard));
  }
}
