/** The commits of each branch and the runs of each job, for the files at stable URLs. */
import { workerHosts, type CommitHash, type JobName } from '../../model/name.js';
import { isOwnRun } from '../../model/run.js';
import { compareRanks, NewestList, type Ranked } from './newest-list.js';
import type { RunEntry } from './run-entry.js';
import { newestFirst } from './run-list.js';
import { isPullRequest, type BranchCommit, type Job, type FinishedJob, type Run } from './site-view.js';

/** The runs of one commit on a branch, in the order of their first run's arrival. */
interface CommitGroup extends Ranked {
  readonly commit: CommitHash;
  readonly entries: ReadonlySet<RunEntry>;
}

/** A job with a record, in the order of its run's arrival, and then of its attempts. */
interface JobRun extends Ranked {
  readonly entry: RunEntry;
  readonly job: JobName;
}

/** The branch and commit that a run is listed under. */
interface Listing {
  readonly branch: string;
  readonly commit: CommitHash;
}

/** The branches and jobs whose files at stable URLs change. */
export interface StableUrlChanges {
  readonly branches: ReadonlySet<string>;
  /** jobs whose history changes; an event alone changes none, since rendering a history reads many records */
  readonly jobs: ReadonlySet<JobName>;
}

type JobLists = Map<JobName, NewestList<JobRun>>;

export class BranchIndex {
  readonly #branches = new Map<
    string,
    { readonly list: NewestList<CommitGroup>; readonly groups: Map<CommitHash, CommitGroup> }
  >();
  readonly #history: JobLists = new Map();
  readonly #onBranch = new Map<string, JobLists>();
  readonly #listings = new Map<RunEntry, Listing>();
  /** each run at its last update */
  readonly #last = new Map<RunEntry, Run>();

  /** Lists a run under its current branch and commit. */
  update(entry: RunEntry): StableUrlChanges {
    const { run } = entry;
    const before = this.#listings.get(entry);
    const after = run && listingOf(run);
    const jobs = changedJobs(this.#last.get(entry), run);
    if (run === undefined) this.#last.delete(entry);
    else this.#last.set(entry, run);
    if (before?.branch !== after?.branch) this.#moveJobs(entry, before?.branch, after?.branch);
    if (before !== undefined && (before.branch !== after?.branch || before.commit !== after.commit)) {
      this.#regroup(before, (entries) => entries.delete(entry));
    }
    if (after === undefined) this.#listings.delete(entry);
    else {
      this.#listings.set(entry, after);
      this.#regroup(after, (entries) => entries.add(entry));
    }
    for (const jobRun of jobRuns(entry)) {
      putInto(this.#history, jobRun);
      if (after === undefined) continue;
      const lists = this.#onBranch.get(after.branch) ?? new Map<JobName, NewestList<JobRun>>();
      this.#onBranch.set(after.branch, lists);
      putInto(lists, jobRun);
    }
    const branches = new Set(
      [before, after].flatMap((listing) => (listing === undefined ? [] : [listing.branch])),
    );
    return { branches, jobs };
  }

  /** Removes a run from all lists. */
  remove(entry: RunEntry): StableUrlChanges {
    const listing = this.#listings.get(entry);
    this.#listings.delete(entry);
    if (listing !== undefined) this.#regroup(listing, (entries) => entries.delete(entry));
    this.#last.delete(entry);
    const runs = jobRuns(entry);
    for (const one of runs) removeFrom(this.#history, one);
    if (listing !== undefined) this.#moveJobs(entry, listing.branch, undefined);
    return {
      branches: new Set(listing === undefined ? [] : [listing.branch]),
      jobs: new Set(runs.map(({ job }) => job)),
    };
  }

  /** Lists every branch that has a commit. */
  branches(): Iterable<string> {
    return this.#branches.keys();
  }

  /** Lists every job that has a record. */
  jobs(): readonly JobName[] {
    return [...this.#history.keys()];
  }

  /** Lists every job that has a record on a branch. */
  jobsOf(branch: string): readonly JobName[] {
    return [...(this.#onBranch.get(branch)?.keys() ?? [])];
  }

  commits(branch: string, count: number): readonly BranchCommit[] {
    const groups = this.#branches.get(branch)?.list.newest(count) ?? [];
    return groups.flatMap(({ commit, entries }) => {
      const all = [...entries].flatMap(({ run }) => run ?? []);
      const time = Math.min(...all.map(({ startTime = 0 }) => startTime));
      const [first, ...more] = workerHosts.flatMap((host) =>
        all.filter((run) => run.folder.host === host).sort(newestFirst),
      );
      return first === undefined ? [] : [{ commit, time, runs: [first, ...more] as const }];
    });
  }

  history(job: JobName, count: number, branch?: string): readonly FinishedJob[] {
    const list = (branch === undefined ? this.#history : this.#onBranch.get(branch))?.get(job);
    return (list?.newest(count) ?? []).flatMap(({ entry: { run }, job: name }) => {
      const found = run?.jobs.find(({ address }) => address.job === name);
      return run === undefined || found === undefined ? [] : [{ run, job: found }];
    });
  }

  #moveJobs(entry: RunEntry, from: string | undefined, to: string | undefined): void {
    if (from === undefined || from === to) return;
    const lists = this.#onBranch.get(from);
    if (lists === undefined) return;
    for (const jobRun of jobRuns(entry)) removeFrom(lists, jobRun);
    if (lists.size === 0) this.#onBranch.delete(from);
  }

  #regroup({ branch, commit }: Listing, change: (entries: Set<RunEntry>) => void): void {
    const known = this.#branches.get(branch) ?? {
      list: new NewestList<CommitGroup>(),
      groups: new Map<CommitHash, CommitGroup>(),
    };
    this.#branches.set(branch, known);
    const before = known.groups.get(commit);
    const entries = new Set(before?.entries);
    change(entries);
    if (before !== undefined) known.list.remove(before);
    if (entries.size === 0) {
      known.groups.delete(commit);
      if (known.groups.size === 0) this.#branches.delete(branch);
      return;
    }
    const { rank, tie } = rankOf(entries);
    // Attempts of one run that contradict each other have the same rank, and different commits.
    const group = { rank, tie: [...tie, commit], commit, entries };
    known.groups.set(commit, group);
    known.list.put(group);
  }
}

/**
 * Returns undefined for a pull request: its branch is in another repository, and may be called `main` there. Also for the
 * own run of a token, which must not say what a branch is.
 */
function listingOf(run: Run): Listing | undefined {
  const { branch, commit } = run;
  if (isOwnRun(run.run)) return undefined;
  return branch === undefined || commit === undefined || isPullRequest(run) ? undefined : { branch, commit };
}

function jobRuns(entry: RunEntry): readonly JobRun[] {
  const { arrival: rank, runName, attempt, folder } = entry;
  return [...entry.recorded.keys()].map((job) => ({
    ...{ rank, tie: [runName, String(attempt), folder.host, job], entry, job },
  }));
}

/** Ranks a group by the first of its runs. */
function rankOf(entries: Iterable<RunEntry>): Ranked {
  const ranks = [...entries].map(({ arrival: rank, runName, folder }) => ({
    ...{ rank, tie: [runName, folder.host] },
  }));
  return ranks.reduce((first, other) => (compareRanks(other, first) > 0 ? other : first));
}

function removeFrom(lists: JobLists, jobRun: JobRun): void {
  const list = lists.get(jobRun.job);
  list?.remove(jobRun);
  if (list?.length === 0) lists.delete(jobRun.job);
}

function putInto(lists: JobLists, jobRun: JobRun): void {
  const list = lists.get(jobRun.job) ?? new NewestList<JobRun>();
  lists.set(jobRun.job, list);
  list.put(jobRun);
}

/** Returns finished jobs that changed; all of them if the run's branch or commit did, which a history shows too. */
function changedJobs(before: Run | undefined, after: Run | undefined): ReadonlySet<JobName> {
  const ended = (after?.jobs ?? []).filter(({ summary }) => summary !== undefined);
  const isMoved =
    before?.branch !== after?.branch ||
    before?.commit !== after?.commit ||
    (before !== undefined && isPullRequest(before)) !== (after !== undefined && isPullRequest(after));
  const changed = ended.filter((job) => {
    const old = before?.jobs.find(({ address }) => address.job === job.address.job);
    return isMoved || !isSameResult(old, job);
  });
  return new Set(changed.map(({ address }) => address.job));
}

/**
 * Reports whether a job has not changed. One with flaky tasks is a new object after each fold, so its content is
 * compared.
 */
const isSameResult = (before: Job | undefined, after: Job): boolean =>
  before === after ||
  (before?.outcome === after.outcome &&
    after.flakyTasks.length > 0 &&
    JSON.stringify(before) === JSON.stringify(after));
