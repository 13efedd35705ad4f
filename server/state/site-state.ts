/**
 * The state of a site in memory. Records and events are added one by one; each change returns the pages that it
 * affects.
 */
import type { JobEvent } from '../../model/event.js';
import type { CommitHash, JobName, RunId, WorkerHost } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import {
  folderName,
  isOwnRun,
  ownRunName,
  splitFolder,
  type JobAddress,
  type RunFolder,
} from '../../model/run.js';
import { resolveFolder, runOfDestination, type JobDestination } from './job-destination.js';
import type { Sender } from '../store/log-entry.js';
import type { StoredJob } from '../store/stored-job.js';
import { mergeChanges, noChanges, type PageChanges } from './page-changes.js';
import { addEvent } from './job-events.js';
import { EventRouter, type Received, type ReceivedEvent } from './event-router.js';
import { toRecordedJob, internJob, createInterner } from './job-summary.js';
import type { Removal } from '../store/removal-entry.js';
import { isNarrow, limitEvent, limitJob, ownRun } from './narrow-sender.js';
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
  readonly #events = new EventRouter(this.#runFolders, (folder) => this.#table.find(folder) !== undefined);

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
    return this.restoreJob(withSender({ ...summarized, receivedTime: received.time }, received.sender));
  }

  /** Adds from the log when a stored record was received. Call it inside load(). */
  noteReceived(address: JobAddress, received: Received): void {
    const entry = this.#table.find(address);
    if (entry === undefined) return;
    this.#noteRecord(address, received);
    const job = entry.recorded.get(address.job);
    if (job === undefined) return;
    const limited = withSender({ ...job, receivedTime: received.time }, received.sender);
    entry.recorded.set(address.job, internJob(limited, this.#intern));
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
    const { run } = splitFolder(address);
    // A narrow token decides neither the number nor the id of a run.
    if (isOwnRun(run) || job.summary.isLimited === true) return this.#index.update(entry);
    this.#runFolders.confirm(run as RunId, runId);
    return mergeChanges([this.#index.update(entry), this.#addReceived(this.#events.release(runId))]);
  }

  /** Adds the events of a run folder from a snapshot. */
  restoreEvents({ folder, arrival, runId, events, expected, lostAt }: Omit<RunSource, 'recorded'>): void {
    const entry = this.#table.get(folder);
    if (arrival > 0) entry.noteArrival(arrival);
    if (runId !== undefined && !isOwnRun(entry.runName)) {
      this.#runFolders.reserve(entry.runName as RunId, runId);
    }
    for (const [job, facts] of events) entry.events.set(job, facts);
    for (const job of expected) entry.expected.add(job);
    for (const [job, time] of lostAt) entry.lostAt.set(job, time);
    this.#index.update(entry);
  }

  addEvent(event: JobEvent, received: Received): PageChanges {
    const isReserved = this.#events.reserveFolder(event, received.sender);
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
    if (entry.folder.host === 'github' && runId !== undefined && !isOwnRun(entry.runName)) {
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

  /** Lists the own runs of a narrow sender with a GITHUB_RUN_ID, a job id, or a local name, without their attempts. */
  ownRuns(host: WorkerHost, run: RunId, sender: Sender | undefined): readonly RunId[] {
    if (!isNarrow(sender)) return [];
    if (host !== 'github') {
      const own = ownRun(run, sender);
      return own.ok ? [own.value] : [];
    }
    const suffix = ownRunName('' as RunId, sender.id, run);
    return [...this.#table.all()].flatMap(({ folder, runName }) =>
      folder.host === host && runName.endsWith(suffix) ? [runName as RunId] : [],
    );
  }

  /** Returns the folder that an attempt of a job's run has or would have. Reserves nothing. */
  resolveFolder(destination: JobDestination, attempt: number, sender?: Sender): Result<RunFolder> {
    return isNarrow(sender)
      ? this.#resolveNarrow(destination, attempt, sender)
      : resolveFolder(destination, attempt, this.#runFolders);
  }

  /** Returns the folder of a run that others have named, else that of the sender's own run. */
  #resolveNarrow(destination: JobDestination, attempt: number, sender: Sender): Result<RunFolder> {
    const { host } = destination;
    const run = runOfDestination(destination);
    const runId = destination.host === 'github' ? destination.runId : undefined;
    const named = runId === undefined ? run : this.#runFolders.baseOf(runId);
    const folder = named && { host, name: host === 'sourcehut' ? named : folderName(named, attempt) };
    if (folder !== undefined && this.#table.find(folder) !== undefined) {
      return resolveFolder(destination, attempt, this.#runFolders);
    }
    const own = ownRun(run, sender, runId);
    return own.ok ? accept({ host, name: folderName(own.value, attempt) }) : own;
  }

  /**
   * Checks that a record agrees with its run. Refuses another commit, branch, or pull request than those of the run, with
   * both values, since every page of the run would change.
   */
  checkIdentity(folder: RunFolder, { commit, branch, pullRequest }: JobRecord): Result<true> {
    if (folder.host === 'sourcehut') return accept(true);
    const runs = this.attempts(folder);
    const known = <T>(pick: (run: Run) => T | undefined): T | undefined => {
      for (const run of runs.toReversed()) if (pick(run) !== undefined) return pick(run);
      return undefined;
    };
    const pull = (run: Run): string | undefined =>
      run.jobs.flatMap(({ summary }) => summary?.origin.pullRequest?.number ?? [])[0];
    for (const [key, own, ofRun] of [
      ['commit-hash', commit, known((run) => run.commit)],
      ['branch', branch, known((run) => run.branch)],
      ['GITHUB_PR_NUMBER', pullRequest?.number, known(pull)],
    ] as const) {
      if (own === undefined || ofRun === undefined || own === ofRun) continue;
      return refuse(`cannot accept ${key} ${quote(own)}: its run has ${quote(ofRun)}`);
    }
    return accept(true);
  }

  /** Returns the folder that an event belongs to; undefined while the number of its GitHub run is not known. */
  folderOf(event: JobEvent, sender?: Sender): RunFolder | undefined {
    return this.#events.folderOf(event, sender);
  }

  /** Adds events, and folds each run that they are about once. */
  #addReceived(events: readonly ReceivedEvent[]): PageChanges {
    const entries = new Set<RunEntry>();
    for (const received of events) {
      const { time, sequence, sender } = received;
      const folder = this.#events.folderOf(received.event, sender);
      if (folder === undefined) {
        this.#events.hold(received);
        continue;
      }
      const entry = this.#table.get(folder);
      if (entry.removed !== undefined) continue;
      const isLimited = isNarrow(sender) && !isOwnRun(entry.runName);
      const event = isLimited ? limitEvent(received.event, sender) : received.event;
      entry.noteArrival(sequence);
      entry.events.set(event.job, addEvent(entry.events.get(event.job), event, time));
      for (const job of event.expectedJobs) entry.expected.add(job);
      entries.add(entry);
    }
    return mergeChanges([...entries].map((entry) => this.#index.update(entry)));
  }
}

/** Leaves out what the sender of a job must not say about a run that others have named. */
const withSender = (job: RecordedJob, sender: Sender | undefined): RecordedJob =>
  isNarrow(sender) && !isOwnRun(job.address.name) ? limitJob(job, sender) : job;
