/** Which commits ran on which branch, and which runs each job has had: for what stands under a name that stays. */
import { workerHosts, type CommitHash, type JobName } from '../model/name.js';
import { NewestList, type Timed } from './newest-list.js';
import type { RunEntry } from './run-entry.js';
import { newestFirst } from './run-list.js';
import { isPullRequest, type BranchCommit, type RanJob, type Run } from './state.js';

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
  readonly jobs: ReadonlySet<JobName>;
}

export class BranchIndex {
  readonly #branches = new Map<
    string,
    { readonly list: NewestList<Group>; readonly groups: Map<CommitHash, Group> }
  >();
  readonly #history = new Map<string, NewestList<Ran>>();
  readonly #places = new Map<RunEntry, Place>();

  /** Takes in how a run is folded now. */
  put(entry: RunEntry): NameChange {
    const { run } = entry;
    const before = this.#places.get(entry);
    const after = run && placeOf(run);
    const jobs = new Set(run?.jobs.map(({ address }) => address.job));
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
      for (const key of keysOf(ran.job, after?.branch)) {
        const list = this.#history.get(key) ?? new NewestList<Ran>();
        this.#history.set(key, list);
        list.put(ran);
      }
    }
    const branches = new Set([before, after].flatMap((place) => (place === undefined ? [] : [place.branch])));
    return { branches, jobs };
  }

  /** Every branch that has a commit. */
  branches(): Iterable<string> {
    return this.#branches.keys();
  }

  /** Every job that has ended somewhere. */
  jobs(): readonly JobName[] {
    return [...this.#history.keys()].filter((key) => !key.includes('\n')) as JobName[];
  }

  /** Every job that has ended on a branch. */
  jobsOf(branch: string): readonly JobName[] {
    const end = `\n${branch}`;
    return [...this.#history.keys()]
      .filter((key) => key.endsWith(end) && key.indexOf('\n') === key.length - end.length)
      .map((key) => key.slice(0, -end.length) as JobName);
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

  history(job: JobName, count: number, branch?: string): readonly RanJob[] {
    const list = this.#history.get(branch === undefined ? job : `${job}\n${branch}`);
    return (list?.newest(count) ?? []).flatMap(({ entry: { run }, job: name }) => {
      const found = run?.jobs.find(({ address }) => address.job === name);
      return run === undefined || found === undefined ? [] : [{ run, job: found }];
    });
  }

  #moveJobs(entry: RunEntry, from: string | undefined, to: string | undefined): void {
    if (from === undefined || from === to) return;
    for (const ran of ranJobs(entry)) {
      const key = `${ran.job}\n${from}`;
      const list = this.#history.get(key);
      list?.remove(ran);
      if (list?.length === 0) this.#history.delete(key);
    }
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
  return [...entry.arrived.values()].map(({ address: { job }, summary }) => ({
    ...{ time: summary.startTime ?? 0, id: `${host} ${name} ${job}`, entry, job },
  }));
}

const keysOf = (job: JobName, branch: string | undefined): readonly string[] =>
  branch === undefined ? [job] : [job, `${job}\n${branch}`];
