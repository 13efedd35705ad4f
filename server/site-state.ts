/** The state of a site in memory: records and events go in one by one, views ask it. What each change touches comes out. */
import type { JobEvent } from '../model/event.js';
import type { CommitHash, JobName, RunId, WorkerHost } from '../model/name.js';
import { folderName, splitFolder, type JobAddress, type RunFolder } from '../model/run.js';
import type { ArrivedJob } from './arrived-job.js';
import { joined, nothing, type Change } from './change.js';
import { addEvent } from './event-fact.js';
import { jobOf, shareJob, sharer } from './job-summary.js';
import type { Removal } from './removal.js';
import { RunClaims } from './run-claims.js';
import type { RunEntry } from './run-entry.js';
import type { RunSource } from './run-fold.js';
import { RunIndex } from './run-index.js';
import type { RunList } from './run-list.js';
import { folderKey, RunTable } from './run-table.js';
import type { BranchCommit, Job, RanJob, RecordedJob, Run, RunGroup, SiteState } from './state.js';

export class LiveState implements SiteState {
  readonly title: string;
  readonly claims = new RunClaims();
  readonly #shared = sharer();
  readonly #table = new RunTable();
  readonly #index = new RunIndex(this.#table, this.claims);
  /** events of GitHub runs whose number nobody has told yet */
  readonly #waiting = new Map<RunId, { readonly event: JobEvent; readonly time: number }[]>();

  constructor(title: string) {
    this.title = title;
  }

  /** Takes in much at once. */
  load(work: () => void): void {
    this.#index.load(work);
  }

  /** What the site keeps of a job. */
  shorten(arrived: ArrivedJob): RecordedJob {
    return jobOf(arrived, this.#shared);
  }

  /** A job's files are in the site. The same job again replaces what is known of it. */
  addJob(arrived: ArrivedJob): Change {
    return this.restoreJob(this.shorten(arrived));
  }

  /** The same for a job that is known in short already. */
  restoreJob(job: RecordedJob): Change {
    const { address } = job;
    const entry = this.#table.get(address);
    if (entry.removed !== undefined) return nothing;
    entry.arrived.set(address.job, shareJob(job, this.#shared));
    if (address.host !== 'github') return this.#index.changed(entry);
    const { runId } = job.summary.origin;
    this.claims.claim(splitFolder(address).run as RunId, runId);
    return joined([this.#index.changed(entry), ...this.#hearWaiting(runId)]);
  }

  /** What is known of a folder by events alone, as a snapshot has it. */
  restoreHeard({ folder, runId, heard, expected, givenUp }: Omit<RunSource, 'arrived'>): void {
    const entry = this.#table.get(folder);
    if (runId !== undefined) this.claims.claim(entry.runName as RunId, runId);
    for (const [job, facts] of heard) entry.heard.set(job, facts);
    for (const job of expected) entry.expected.add(job);
    for (const [job, time] of givenUp) entry.givenUp.set(job, time);
    this.#index.changed(entry);
  }

  /** Something happened to a job; `time` in seconds since 1970, UTC. */
  addEvent(event: JobEvent, time: number): Change {
    const { runId, runNumber, host } = event;
    if (host === 'github' && runId !== undefined && runNumber !== undefined && !this.claims.baseOf(runId)) {
      const planned = this.claims.plan(runNumber, runId, event.attempt);
      if (planned.ok) {
        this.claims.claim(planned.value.base, runId);
        return joined([this.#hear(event, time), ...this.#hearWaiting(runId)]);
      }
    }
    return this.#hear(event, time);
  }

  /** Nothing was heard of a job for too long; `time` is when that was found. */
  giveUp({ job, ...folder }: JobAddress, time: number): Change {
    const entry = this.#table.get(folder);
    if (entry.removed !== undefined) return nothing;
    entry.givenUp.set(job, Math.max(entry.givenUp.get(job) ?? time, time));
    return this.#index.changed(entry);
  }

  /** Jobs that run or are expected, in runs of which nothing was heard since `time`. */
  silentSince(time: number): readonly JobAddress[] {
    return [...this.#index.unfinished()].flatMap((entry) => {
      if (entry.newsTime() > time) return [];
      return (entry.run?.jobs ?? []).flatMap((job) =>
        (job.outcome === 'running' || job.outcome === 'expected') && (job.events.lastTime ?? 0) <= time
          ? [job.address]
          : [],
      );
    });
  }

  /** A file was published for a commit, by its path below the commit's artifacts. */
  addArtifact(host: WorkerHost, commit: CommitHash, path: string): Change {
    this.#index.commits.addArtifact(host, commit, path);
    return { ...nothing, commits: [commit] };
  }

  /**
   * Takes out of the lists what goes: the wwz files of a run's jobs, or the whole run, of which the removal is then all
   * that is known. No record and no event brings it back.
   */
  remove(removal: Removal): Change {
    const entry = this.#table.get(removal.folder);
    if (removal.tier === 'wwz') {
      for (const { job, wwzBytes } of removal.jobs) this.#removeWwz(entry, job, { removal, wwzBytes });
      return this.#index.changed(entry);
    }
    const { runId } = removal.run;
    if (entry.folder.host === 'github' && runId !== undefined) {
      this.claims.claim(entry.runName as RunId, runId);
    }
    return this.#index.remove(entry, removal);
  }

  #removeWwz(
    entry: RunEntry,
    name: JobName,
    { removal, wwzBytes }: { readonly removal: Removal; readonly wwzBytes: number | undefined },
  ): void {
    const job = entry.arrived.get(name);
    if (job === undefined) return;
    const { wwzBytes: present, ...summary } = job.summary;
    const bytes = wwzBytes ?? present;
    const removedWwz = { time: removal.time, rule: removal.rule, ...(bytes !== undefined && { bytes }) };
    entry.arrived.set(name, { ...job, summary: { ...summary, removedWwz } });
  }

  /** What a snapshot remembers of a wwz, of a job whose other files were read anew. */
  restoreRemovedWwz({ address, summary: { removedWwz } }: RecordedJob): void {
    // A run whose folder was taken away by hand is no run any more: nothing of it is to come back here.
    const entry = this.#table.find(address);
    const job = entry?.arrived.get(address.job);
    if (job?.summary.wwzBytes !== undefined || job === undefined || removedWwz === undefined) return;
    entry?.arrived.set(address.job, { ...job, summary: { ...job.summary, removedWwz } });
  }

  /** What is remembered of a run that was removed. */
  removal(folder: RunFolder): Removal | undefined {
    return this.#table.find(folder)?.removed;
  }

  /** Takes out what was published for a commit. */
  removeArtifacts(host: WorkerHost, commit: CommitHash): Change {
    this.#index.commits.removeArtifacts(host, commit);
    return { ...nothing, commits: [commit] };
  }

  /** What pages must follow when these runs changed, in a way that nobody saw. */
  changeOf(folders: readonly RunFolder[]): Change {
    const changes = folders.flatMap((folder) => {
      const entry = this.#table.find(folder);
      return entry === undefined ? [] : [this.#index.reach(entry)];
    });
    const unique = new Map(joined(changes).folders.map((folder) => [folderKey(folder), folder]));
    const all = joined(changes);
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
  sources(): Iterable<RunEntry> {
    return this.#table.all();
  }

  waiting(): Iterable<{ readonly event: JobEvent; readonly time: number }> {
    return [...this.#waiting.values()].flat();
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

  history(job: JobName, count: number, branch?: string): readonly RanJob[] {
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
  arrived(address: JobAddress): RecordedJob | undefined {
    return this.#table.find(address)?.arrived.get(address.job);
  }

  /** Where the events of a job belong; undefined while nobody has told the number of its run. */
  folderOf({ host, runId, jobId, runNumber, attempt }: JobEvent): RunFolder | undefined {
    switch (host) {
      case 'sourcehut':
        return jobId && { host, name: jobId };
      case 'local':
        return runId && { host, name: folderName(runId, attempt) };
      case 'github': {
        if (runId === undefined) return undefined;
        const base = this.claims.baseOf(runId);
        if (base !== undefined) return { host, name: folderName(base, attempt) };
        if (runNumber === undefined) return undefined;
        const planned = this.claims.plan(runNumber, runId, attempt);
        return planned.ok ? planned.value.folder : undefined;
      }
    }
  }

  #hear(event: JobEvent, time: number): Change {
    const folder = this.folderOf(event);
    if (folder === undefined) {
      if (event.runId !== undefined) {
        const waiting = this.#waiting.get(event.runId) ?? [];
        this.#waiting.set(event.runId, [...waiting, { event, time }]);
      }
      return nothing;
    }
    const entry = this.#table.get(folder);
    if (entry.removed !== undefined) return nothing;
    entry.heard.set(event.job, addEvent(entry.heard.get(event.job), event, time));
    for (const job of event.expectedJobs) entry.expected.add(job);
    return this.#index.changed(entry);
  }

  #hearWaiting(runId: RunId | undefined): readonly Change[] {
    const waiting = runId === undefined ? undefined : this.#waiting.get(runId);
    if (runId === undefined || waiting === undefined) return [];
    this.#waiting.delete(runId);
    return waiting.map(({ event, time }) => this.#hear(event, time));
  }
}
