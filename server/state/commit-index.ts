/** Which runs a commit has, and which files were published for it; and what had failed on it before. */
import {
  workerHosts,
  type CommitHash,
  type JobName,
  type TaskName,
  type WorkerHost,
} from '../../model/name.js';
import { commitOf } from './run-fold.js';
import type { RunEntry } from './run-entry.js';
import { newestFirst } from './run-list.js';
import type { Job } from './site-view.js';

/** Runs of a commit that its page shows for each host: one that is run every night for years stays readable. */
const runsShown = 100;
/** How many runs of a commit a pass looks back over for a failure of the same task. */
const runsRemembered = 20;

export class CommitIndex {
  /** by host and commit, newest first; may hold a run that turned out to be of another commit */
  readonly #entries = new Map<string, RunEntry[]>();
  readonly #artifacts = new Map<string, Set<string>>();

  /** The run has a job of the commit, or seems to. */
  put(entry: RunEntry, commit: CommitHash): void {
    const key = keyOf(entry.folder.host, commit);
    const entries = this.#entries.get(key);
    if (entries === undefined) {
      this.#entries.set(key, [entry]);
      return;
    }
    const index = position(entries, entry);
    if (entries[index] !== entry) entries.splice(index, 0, entry);
  }

  /** Takes the run out of the lists of its commits, for it to be put where it belongs now. */
  remove(entry: RunEntry, commits: Iterable<CommitHash>): void {
    for (const commit of commits) {
      const key = keyOf(entry.folder.host, commit);
      const others = this.#entries.get(key)?.filter((other) => other !== entry) ?? [];
      if (others.length === 0) this.#entries.delete(key);
      else this.#entries.set(key, others);
    }
  }

  addArtifact(host: WorkerHost, commit: CommitHash, path: string): void {
    const key = keyOf(host, commit);
    this.#artifacts.set(key, (this.#artifacts.get(key) ?? new Set()).add(path));
  }

  removeArtifacts(host: WorkerHost, commit: CommitHash): void {
    this.#artifacts.delete(keyOf(host, commit));
  }

  /** Ordered by name. */
  artifacts(host: WorkerHost, commit: CommitHash): readonly string[] {
    return [...(this.#artifacts.get(keyOf(host, commit)) ?? [])].sort();
  }

  /** Its jobs: by host, the newest run first, then by name. */
  jobsOf(commit: CommitHash): readonly Job[] {
    return workerHosts.flatMap((host) =>
      (this.#entries.get(keyOf(host, commit)) ?? [])
        .slice(0, runsShown)
        .flatMap((entry) => jobsIn(entry, commit)),
    );
  }

  /** The hosts in whose folder it has a page: those with a job of it, or with artifacts. */
  hostsOf(commit: CommitHash): readonly WorkerHost[] {
    return workerHosts.filter((host) => {
      const key = keyOf(host, commit);
      return (
        this.#artifacts.has(key) ||
        this.#entries.get(key)?.some((entry) => jobsIn(entry, commit).length > 0) === true
      );
    });
  }

  all(): ReadonlySet<CommitHash> {
    return new Set(
      [...this.#entries.keys(), ...this.#artifacts.keys()].map((key) => key.split(' ')[1] as CommitHash),
    );
  }

  /** Tasks of a job that failed on the commit in runs, or attempts, before this one. */
  failedBefore(entry: RunEntry, job: JobName, commit: CommitHash): ReadonlySet<TaskName> {
    const entries = this.#entries.get(keyOf(entry.folder.host, commit)) ?? [];
    if (entries.length < 2) return noTasks;
    const start = position(entries, entry) + 1;
    return new Set(
      entries.slice(start, start + runsRemembered).flatMap(({ recorded }) => {
        const summary = recorded.get(job)?.summary;
        return summary?.origin.commit === commit ? summary.failedTasks : [];
      }),
    );
  }

  /** The runs of the commit that look back at this one. */
  laterThan(entry: RunEntry, commit: CommitHash): readonly RunEntry[] {
    const entries = this.#entries.get(keyOf(entry.folder.host, commit)) ?? [];
    const end = position(entries, entry);
    return entries.slice(Math.max(0, end - runsRemembered), end);
  }
}

const noTasks: ReadonlySet<TaskName> = new Set();
const keyOf = (host: WorkerHost, commit: CommitHash): string => `${host} ${commit}`;

/** Where an entry stands, or would stand, in a list that is sorted newest first. */
function position(entries: readonly RunEntry[], entry: RunEntry): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = entries[middle];
    if (there !== undefined && newestFirst(there.sortKey, entry.sortKey) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function jobsIn({ run, events }: RunEntry, commit: CommitHash): readonly Job[] {
  if (run === undefined) return [];
  return run.jobs.filter((job) => commitOf(run, job, events.get(job.address.job)) === commit);
}

/** Every commit that the run's jobs are of. */
export function commitsOf({ run, events }: RunEntry): ReadonlySet<CommitHash> {
  if (run === undefined) return new Set();
  return new Set(run.jobs.flatMap((job) => commitOf(run, job, events.get(job.address.job)) ?? []));
}
