/** Which commits ran on which branch, and which runs each job has had: for what stands under a name that stays. */
import { workerHosts, type CommitHash, type JobName } from '../../model/name.js';
import { NewestList, type Timed } from './newest-list.js';
import type { RunEntry } from './run-entry.js';
import { newestFirst } from './run-list.js';
import { isPullRequest, type BranchCommit, type Job, type FinishedJob, type Run } from './site-view.js';

/** A commit on a branch. `time`: when the first of its runs began. */
interface Group extends Timed {
  readonly commit: CommitHash;
  readonly entries: ReadonlySet<RunEntry>;
}

interface Ran extends Timed {
  readonly entry: RunEntry;
  readonly job: JobName;
}

/** Where a run stood when it was put in last, so that it can be taken out. */
interface Place {
  readonly branch: string;
  readonly commit: CommitHash;
}

/** Which names a change touches. */
export interface NameChange {
  readonly branches: ReadonlySet<string>;
  /** those whose history tells something else now: not each event makes a hundred runs be read again */
  readonly jobs: ReadonlySet<JobName>;
}

type JobLists = Map<JobName, NewestList<Ran>>;

export class BranchIndex {
  readonly #branches = new Map<
    string,
    { readonly list: NewestList<Group>; readonly groups: Map<CommitHash, Group> }
  >();
  readonly #history: JobLists = new Map();
  readonly #onBranch = new Map<string, JobLists>();
  readonly #places = new Map<RunEntry, Place>();
  /** each run as it was put in last */
  readonly #told = new Map<RunEntry, Run>();

  /** Takes in how a run is folded now. */
  put(entry: RunEntry): NameChange {
    const { run } = entry;
    const before = this.#places.get(entry);
    const after = run && placeOf(run);
    const jobs = changedJobs(this.#told.get(entry), run);
    if (run === undefined) this.#told.delete(entry);
    else this.#told.set(entry, run);
    if (before?.branch !== after?.branch) this.#moveJobs(entry, before?.branch, after?.branch);
    if (before !== undefined && (before.branch !== after?.branch || before.commit !== after.commit)) {
      this.#regroup(before, (entries) => entries.delete(entry));
    }
    if (after === undefined) this.#places.delete(entry);
    else {
      this.#places.set(entry, after);
      this.#regroup(after, (entries) => entries.add(entry));
    }
    for (const ran of ranJobs(entry)) {
      putIn(this.#history, ran);
      if (after === undefined) continue;
      const lists = this.#onBranch.get(after.branch) ?? new Map<JobName, NewestList<Ran>>();
      this.#onBranch.set(after.branch, lists);
      putIn(lists, ran);
    }
    const branches = new Set([before, after].flatMap((place) => (place === undefined ? [] : [place.branch])));
    return { branches, jobs };
  }

  /** Takes a run out that is about to be forgotten. */
  remove(entry: RunEntry): NameChange {
    const place = this.#places.get(entry);
    this.#places.delete(entry);
    if (place !== undefined) this.#regroup(place, (entries) => entries.delete(entry));
    this.#told.delete(entry);
    const ran = ranJobs(entry);
    for (const one of ran) takeOut(this.#history, one);
    if (place !== undefined) this.#moveJobs(entry, place.branch, undefined);
    return {
      branches: new Set(place === undefined ? [] : [place.branch]),
      jobs: new Set(ran.map(({ job }) => job)),
    };
  }

  /** Every branch that has a commit. */
  branches(): Iterable<string> {
    return this.#branches.keys();
  }

  /** Every job that has ended somewhere. */
  jobs(): readonly JobName[] {
    return [...this.#history.keys()];
  }

  /** Every job that has ended on a branch. */
  jobsOf(branch: string): readonly JobName[] {
    return [...(this.#onBranch.get(branch)?.keys() ?? [])];
  }

  commits(branch: string, count: number): readonly BranchCommit[] {
    const groups = this.#branches.get(branch)?.list.newest(count) ?? [];
    return groups.flatMap(({ commit, time, entries }) => {
      const all = [...entries].flatMap(({ run }) => run ?? []);
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
    for (const ran of ranJobs(entry)) takeOut(lists, ran);
    if (lists.size === 0) this.#onBranch.delete(from);
  }

  #regroup({ branch, commit }: Place, change: (entries: Set<RunEntry>) => void): void {
    const known = this.#branches.get(branch) ?? {
      list: new NewestList<Group>(),
      groups: new Map<CommitHash, Group>(),
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
    const time = Math.min(...[...entries].map(({ run }) => run?.startTime ?? 0));
    const group = { time, id: commit, commit, entries };
    known.groups.set(commit, group);
    known.list.put(group);
  }
}

/** A pull request may come from a branch of any name, `main` too: it is none of this repository's branches. */
function placeOf(run: Run): Place | undefined {
  const { branch, commit } = run;
  return branch === undefined || commit === undefined || isPullRequest(run) ? undefined : { branch, commit };
}

function ranJobs(entry: RunEntry): readonly Ran[] {
  const { host, name } = entry.folder;
  return [...entry.recorded.values()].map(({ address: { job }, summary }) => ({
    ...{ time: summary.startTime ?? 0, id: `${host} ${name} ${job}`, entry, job },
  }));
}

function takeOut(lists: JobLists, ran: Ran): void {
  const list = lists.get(ran.job);
  list?.remove(ran);
  if (list?.length === 0) lists.delete(ran.job);
}

function putIn(lists: JobLists, ran: Ran): void {
  const list = lists.get(ran.job) ?? new NewestList<Ran>();
  lists.set(ran.job, list);
  list.put(ran);
}

/** Ended jobs that are not what they were; all of them where what is told beside each is. */
function changedJobs(before: Run | undefined, after: Run | undefined): ReadonlySet<JobName> {
  const ended = (after?.jobs ?? []).filter(({ summary }) => summary !== undefined);
  const isMoved =
    before?.branch !== after?.branch ||
    before?.commit !== after?.commit ||
    (before !== undefined && isPullRequest(before)) !== (after !== undefined && isPullRequest(after));
  const changed = ended.filter((job) => {
    const old = before?.jobs.find(({ address }) => address.job === job.address.job);
    return isMoved || !isSameEnd(old, job);
  });
  return new Set(changed.map(({ address }) => address.job));
}

/** A job with flaky tasks is made anew each time its run is folded. */
const isSameEnd = (before: Job | undefined, after: Job): boolean =>
  before === after ||
  (before?.outcome === after.outcome &&
    after.flakyTasks.length > 0 &&
    JSON.stringify(before) === JSON.stringify(after));
