/** The state of a site in memory: records and events go in one by one, views ask it. What each change touches comes out. */
import type { JobEvent } from '../model/event.js';
import { workerHosts, type CommitHash, type JobName, type RunId, type WorkerHost } from '../model/name.js';
import { compareRunNames, folderName, splitFolder, type JobAddress, type RunFolder } from '../model/run.js';
import type { ArrivedJob } from './arrived-job.js';
import { BranchIndex } from './branch-index.js';
import { CommitIndex, commitsOf } from './commit-index.js';
import { addEvent } from './event-fact.js';
import { jobOf, shareJob, sharer } from './job-summary.js';
import { RunClaims } from './run-claims.js';
import { RunEntry } from './run-entry.js';
import { foldRun, type RunSource } from './run-fold.js';
import type { Removal } from './removal.js';
import { newestFirst, RunList } from './run-list.js';
import type { BranchCommit, Job, RanJob, RecordedJob, Run, RunGroup, SiteState } from './state.js';

/** What pages must follow. */
export interface Change {
  /** runs whose page changed */
  readonly folders: readonly RunFolder[];
  /** commits whose jobs or artifacts did */
  readonly commits: readonly CommitHash[];
  /** hosts in whose lists a run moved to another place */
  readonly reordered: readonly WorkerHost[];
  /** branches and jobs whose lasting addresses tell of it */
  readonly branches: readonly string[];
  readonly jobs: readonly JobName[];
}

export const nothing: Change = { folders: [], commits: [], reordered: [], branches: [], jobs: [] };

export class LiveState implements SiteState {
  readonly title: string;
  readonly claims = new RunClaims();
  readonly #shared = sharer();
  readonly #entries = new Map<string, RunEntry>();
  /** folders of the same run, by host and run */
  readonly #attempts = new Map<string, RunEntry[]>();
  readonly #lists = new Map<WorkerHost, RunList>(workerHosts.map((host) => [host, new RunList()]));
  /** runs with jobs that are running or expected */
  readonly #unfinished = new Set<RunEntry>();
  readonly #commits = new CommitIndex();
  readonly names = new BranchIndex();
  /** what the names of the change under way are */
  #touched = { branches: new Set<string>(), jobs: new Set<JobName>() };
  /** events of GitHub runs whose number nobody has told yet */
  readonly #waiting = new Map<RunId, { readonly event: JobEvent; readonly time: number }[]>();
  #isLoading = false;

  constructor(title: string) {
    this.title = title;
  }

  /** Takes in much at once: lists are sorted once, at the end. */
  load(work: () => void): void {
    this.#isLoading = true;
    work();
    this.#isLoading = false;
    for (const entry of this.#entries.values()) {
      entry.setRunId(this.#runIdOf(entry));
      for (const job of entry.arrived.values()) {
        const { commit } = job.summary.origin;
        if (commit !== undefined) this.#commits.put(entry, commit);
      }
    }
    for (const entry of this.#entries.values()) {
      if (entry.removed === undefined) this.#index(entry, this.#fold(entry));
    }
    for (const host of workerHosts) {
      const runs = [...this.#entries.values()].flatMap(({ folder, run }) =>
        folder.host === host && run !== undefined ? [run] : [],
      );
      this.#lists.set(host, new RunList(runs));
    }
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
    const entry = this.#entry(address);
    if (entry.removed !== undefined) return nothing;
    entry.arrived.set(address.job, shareJob(job, this.#shared));
    if (address.host !== 'github') return this.#changed(entry);
    const { runId } = job.summary.origin;
    this.claims.claim(splitFolder(address).run as RunId, runId);
    return joined([this.#changed(entry), ...this.#hearWaiting(runId)]);
  }

  /** What is known of a folder by events alone, as a snapshot has it. */
  restoreHeard({ folder, runId, heard, expected, givenUp }: Omit<RunSource, 'arrived'>): void {
    const entry = this.#entry(folder);
    if (runId !== undefined) this.claims.claim(entry.runName as RunId, runId);
    for (const [job, facts] of heard) entry.heard.set(job, facts);
    for (const job of expected) entry.expected.add(job);
    for (const [job, time] of givenUp) entry.givenUp.set(job, time);
    this.#changed(entry);
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
    const entry = this.#entry(folder);
    if (entry.removed !== undefined) return nothing;
    entry.givenUp.set(job, Math.max(entry.givenUp.get(job) ?? time, time));
    return this.#changed(entry);
  }

  /** Jobs that run or are expected, in runs of which nothing was heard since `time`. */
  silentSince(time: number): readonly JobAddress[] {
    return [...this.#unfinished].flatMap((entry) => {
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
    this.#commits.addArtifact(host, commit, path);
    return { ...nothing, commits: [commit] };
  }

  /**
   * Takes out of the lists what goes: the wwz files of a run's jobs, or the whole run, of which the removal is then all
   * that is known. No record and no event brings it back.
   */
  remove(removal: Removal): Change {
    const entry = this.#entry(removal.folder);
    if (removal.tier === 'wwz') {
      for (const { job, wwzBytes } of removal.jobs) this.#removeWwz(entry, job, { removal, wwzBytes });
      return this.#changed(entry);
    }
    const { folder, run, runName } = entry;
    const { host } = folder;
    const { runId } = removal.run;
    if (host === 'github' && runId !== undefined) this.claims.claim(runName as RunId, runId);
    const commits = commitsOf(entry);
    const lookers = [...commits].flatMap((commit) => this.#commits.laterThan(entry, commit));
    const names = this.names.remove(entry);
    entry.removed = removal;
    for (const known of [entry.arrived, entry.heard, entry.expected, entry.givenUp]) known.clear();
    this.#unfinished.delete(entry);
    if (this.#isLoading) return nothing;
    if (run !== undefined) this.list(host).remove(run);
    this.#commits.remove(entry, commits);
    entry.run = undefined;
    // Whether a later pass is a flaky one, only what is still there can tell.
    const changes = lookers.map((other) => this.#changed(other));
    const siblings = this.#siblings(folder).map((sibling) => sibling.folder);
    const branches = [...names.branches];
    const jobs = [...names.jobs];
    return joined([
      { folders: siblings, commits: [...commits], reordered: [host], branches, jobs },
      ...changes,
    ]);
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
    const entry = this.#entries.get(keyOf(address));
    const job = entry?.arrived.get(address.job);
    if (job?.summary.wwzBytes !== undefined || job === undefined || removedWwz === undefined) return;
    entry?.arrived.set(address.job, { ...job, summary: { ...job.summary, removedWwz } });
  }

  /** What is remembered of a run that was removed. */
  removal(folder: RunFolder): Removal | undefined {
    return this.#entries.get(keyOf(folder))?.removed;
  }

  /** Takes out what was published for a commit. */
  removeArtifacts(host: WorkerHost, commit: CommitHash): Change {
    this.#commits.removeArtifacts(host, commit);
    return { ...nothing, commits: [commit] };
  }

  /** What pages must follow when these runs changed, in a way that nobody saw. */
  changeOf(folders: readonly RunFolder[]): Change {
    const changes = folders.flatMap((folder) => {
      const entry = this.#entries.get(keyOf(folder));
      return entry === undefined ? [] : [this.#reach(entry)];
    });
    const unique = new Map(joined(changes).folders.map((folder) => [keyOf(folder), folder]));
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
    return this.#lists.get(host) ?? new RunList();
  }

  /** Every run with what it is folded from. */
  sources(): Iterable<RunEntry> {
    return this.#entries.values();
  }

  waiting(): Iterable<{ readonly event: JobEvent; readonly time: number }> {
    return [...this.#waiting.values()].flat();
  }

  running(host: WorkerHost): readonly Run[] {
    return [...this.#unfinished]
      .flatMap(({ folder, run }) =>
        folder.host === host && run?.jobs.some((job) => job.outcome === 'running') === true ? [run] : [],
      )
      .sort(newestFirst);
  }

  run(folder: RunFolder): Run | undefined {
    return this.#entries.get(keyOf(folder))?.run;
  }

  attempts(folder: RunFolder): readonly Run[] {
    return this.#siblings(folder)
      .flatMap(({ run }) => run ?? [])
      .sort((a, b) => b.attempt - a.attempt);
  }

  jobsOfCommit(commit: CommitHash): readonly Job[] {
    return this.#commits.jobsOf(commit);
  }

  artifacts(host: WorkerHost, commit: CommitHash): readonly string[] {
    return this.#commits.artifacts(host, commit);
  }

  branchCommits(branch: string, count: number): readonly BranchCommit[] {
    return this.names.commits(branch, count);
  }

  history(job: JobName, count: number, branch?: string): readonly RanJob[] {
    return this.names.history(job, count, branch);
  }

  /** Every commit that has a page. */
  commits(): Iterable<CommitHash> {
    return this.#commits.all();
  }

  /** The hosts in whose folder a commit has a page: those with a job of it, or with artifacts. */
  hostsOfCommit(commit: CommitHash): readonly WorkerHost[] {
    return this.#commits.hostsOf(commit);
  }

  /** The job, where its files have arrived. */
  arrived(address: JobAddress): RecordedJob | undefined {
    return this.#entries.get(keyOf(address))?.arrived.get(address.job);
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
    const entry = this.#entry(folder);
    if (entry.removed !== undefined) return nothing;
    entry.heard.set(event.job, addEvent(entry.heard.get(event.job), event, time));
    for (const job of event.expectedJobs) entry.expected.add(job);
    return this.#changed(entry);
  }

  #hearWaiting(runId: RunId | undefined): readonly Change[] {
    const waiting = runId === undefined ? undefined : this.#waiting.get(runId);
    if (runId === undefined || waiting === undefined) return [];
    this.#waiting.delete(runId);
    return waiting.map(({ event, time }) => this.#hear(event, time));
  }

  #entry(folder: RunFolder): RunEntry {
    const key = keyOf(folder);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { host, name } = folder;
    const entry = new RunEntry({ host, name });
    this.#entries.set(key, entry);
    const run = runKeyOf(folder);
    this.#attempts.set(run, [...(this.#attempts.get(run) ?? []), entry]);
    return entry;
  }

  #siblings(folder: RunFolder): readonly RunEntry[] {
    return this.#attempts.get(runKeyOf(folder)) ?? [];
  }

  /**
   * Folds the run anew, and those that look back at it: its later attempts, which do not expect what earlier ones have,
   * and later runs of its commits, where a pass may now be a flaky one.
   */
  #changed(entry: RunEntry): Change {
    if (this.#isLoading || entry.removed !== undefined) return nothing;
    this.#touched = { branches: new Set(), jobs: new Set() };
    const reordered = new Set<WorkerHost>();
    const later = new Set(
      this.#siblings(entry.folder).filter((other) => other.attempt > entry.attempt && !other.removed),
    );
    const noteLater = (other: RunEntry): void => {
      for (const commit of commitsOf(other)) {
        for (const looker of this.#commits.laterThan(other, commit)) later.add(looker);
      }
    };
    for (const sibling of this.#siblings(entry.folder)) {
      if (sibling.removed !== undefined || this.#runIdOf(sibling) === sibling.runId) continue;
      noteLater(sibling);
      if (this.#placeAnew(sibling)) reordered.add(entry.folder.host);
      noteLater(sibling);
    }
    const commits = new Set(commitsOf(entry));
    noteLater(entry);
    this.#refold(entry);
    noteLater(entry);
    for (const commit of commitsOf(entry)) commits.add(commit);
    later.delete(entry);
    const folders = new Map<string, RunFolder>();
    // Every attempt's page lists all attempts.
    for (const { folder } of this.#siblings(entry.folder)) folders.set(keyOf(folder), folder);
    for (const other of later) {
      const before = JSON.stringify(other.run);
      const others = commitsOf(other);
      this.#refold(other);
      if (before === JSON.stringify(other.run)) continue;
      folders.set(keyOf(other.folder), other.folder);
      for (const commit of [...others, ...commitsOf(other)]) commits.add(commit);
    }
    return {
      ...{ folders: [...folders.values()], commits: [...commits], reordered: [...reordered] },
      ...{ branches: [...this.#touched.branches], jobs: [...this.#touched.jobs] },
    };
  }

  /** Every page that a change of the run might touch. */
  #reach(entry: RunEntry): Change {
    const commits = commitsOf(entry);
    const others = [...commits].flatMap((commit) => this.#commits.laterThan(entry, commit));
    const entries = new Set([entry, ...this.#siblings(entry.folder), ...others]);
    return {
      folders: [...entries].map(({ folder }) => folder),
      commits: [...new Set([...entries].flatMap((other) => [...commitsOf(other)]))],
      reordered: [],
      // Also those that only its events named: a page of such a branch may be there, and has to go.
      branches: [...entries].flatMap(({ run, arrived, heard }) => [
        ...(run?.branch === undefined ? [] : [run.branch]),
        ...[...arrived.values()].flatMap(({ summary }) => summary.origin.branch ?? []),
        ...[...heard.values()].flatMap((facts) => facts.branch ?? []),
      ]),
      jobs: [...entries].flatMap(({ run }) => run?.jobs.map(({ address }) => address.job) ?? []),
    };
  }

  /** A run whose GITHUB_RUN_ID became known stands elsewhere in all lists; tells whether it stood anywhere before. */
  #placeAnew(entry: RunEntry): boolean {
    const { run, folder } = entry;
    const commits = commitsOf(entry);
    if (run !== undefined) this.list(folder.host).remove(run);
    this.#commits.remove(entry, commits);
    entry.setRunId(this.#runIdOf(entry));
    for (const commit of commits) this.#commits.put(entry, commit);
    if (run !== undefined) this.#refold(entry);
    return run !== undefined;
  }

  /** As its records say (a folder of an old Soil may hold jobs of two runs: the older one's), or else its events. */
  #runIdOf({ folder, runName }: RunEntry): RunId | undefined {
    if (folder.host !== 'github') return undefined;
    const told = this.#siblings(folder).flatMap(({ arrived }) =>
      [...arrived.values()].flatMap(({ summary }) => summary.origin.runId ?? []),
    );
    const removed = this.#siblings(folder).flatMap((sibling) => sibling.removed?.run.runId ?? []);
    return [...told, ...removed].sort(compareRunNames)[0] ?? this.claims.ownerOf(runName as RunId);
  }

  #refold(entry: RunEntry): void {
    for (const job of entry.arrived.values()) {
      const { commit } = job.summary.origin;
      if (commit !== undefined) this.#commits.put(entry, commit);
    }
    const after = this.#fold(entry);
    this.list(entry.folder.host).put(after);
    this.#index(entry, after);
  }

  #fold(entry: RunEntry): Run {
    const earlier = this.#siblings(entry.folder).filter((other) => other.attempt < entry.attempt);
    return foldRun(entry, {
      settled: new Set(earlier.flatMap(({ arrived }) => [...arrived.keys()])),
      failedBefore: (job: JobName, commit: CommitHash) => this.#commits.failedBefore(entry, job, commit),
    });
  }

  #index(entry: RunEntry, after: Run): void {
    entry.run = after;
    for (const commit of commitsOf(entry)) this.#commits.put(entry, commit);
    const { branches, jobs } = this.names.put(entry);
    for (const branch of branches) this.#touched.branches.add(branch);
    for (const job of jobs) this.#touched.jobs.add(job);
    const isUnfinished = after.jobs.some(({ outcome }) => outcome === 'running' || outcome === 'expected');
    if (isUnfinished) this.#unfinished.add(entry);
    else this.#unfinished.delete(entry);
  }
}

const keyOf = ({ host, name }: RunFolder): string => `${host} ${name}`;
const runKeyOf = (folder: RunFolder): string => `${folder.host} ${splitFolder(folder).run}`;

function joined(changes: readonly Change[]): Change {
  return {
    folders: changes.flatMap((change) => change.folders),
    commits: changes.flatMap((change) => change.commits),
    reordered: changes.flatMap((change) => change.reordered),
    branches: changes.flatMap((change) => change.branches),
    jobs: changes.flatMap((change) => change.jobs),
  };
}
