/** The runs and artifacts of each commit, and which of its tasks failed in earlier runs. */
import {
  workerHosts,
  type CommitHash,
  type JobName,
  type TaskName,
  type WorkerHost,
} from '../../model/name.js';
import { isOwnRun } from '../../model/run.js';
import { commitOf } from './run-fold.js';
import type { RunEntry } from './run-entry.js';
import { newestFirst } from './run-list.js';
import type { Job } from './site-view.js';

/** The maximum number of runs per host on a commit's page: a commit may be run every night for years. */
const runsShown = 100;
/** Earlier runs of a commit in which a failure of a task makes a pass flaky. */
const flakyRuns = 20;

export class CommitIndex {
  /** by host and commit, newest first; may still have a run whose commit has changed */
  readonly #entries = new Map<string, RunEntry[]>();
  readonly #artifacts = new Map<string, Set<string>>();

  /** Lists a run under a commit of one of its jobs. */
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

  /** Removes a run from the lists of these commits. */
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

  /** Lists the artifacts of a commit, sorted. */
  artifacts(host: WorkerHost, commit: CommitHash): readonly string[] {
    return [...(this.#artifacts.get(keyOf(host, commit)) ?? [])].sort();
  }

  /** Lists the jobs of a commit by host, then newest run first, then by name. */
  jobsOf(commit: CommitHash): readonly Job[] {
    return workerHosts.flatMap((host) => {
      const entries = this.#entries.get(keyOf(host, commit)) ?? [];
      const shown = entries.slice(0, runsShown).flatMap((entry) => jobsIn(entry, commit));
      // The newest run of a job is never left out, so that many runs of other jobs do not hide it.
      const known = new Set(
        shown.filter(({ address }) => !isOwnRun(address.name)).map(({ address }) => address.job),
      );
      for (const entry of entries.slice(runsShown)) {
        for (const job of jobsIn(entry, commit)) {
          if (known.has(job.address.job) || isOwnRun(job.address.name)) continue;
          known.add(job.address.job);
          shown.push(job);
        }
      }
      return shown;
    });
  }

  /** Lists the hosts that have a job or an artifact of a commit. */
  hostsOf(commit: CommitHash): readonly WorkerHost[] {
    return workerHosts.filter((host) => {
      const key = keyOf(host, commit);
      return (
        this.#artifacts.has(key) ||
        this.#entries.get(key)?.some((entry) => jobsIn(entry, commit).length > 0) === true
      );
    });
  }

  /** Lists every commit with a run or an artifact. */
  all(): ReadonlySet<CommitHash> {
    return new Set(
      [...this.#entries.keys(), ...this.#artifacts.keys()].map((key) => key.split(' ')[1] as CommitHash),
    );
  }

  /** Lists tasks of a job that failed on the commit in runs or attempts before this one. */
  failedBefore(entry: RunEntry, job: JobName, commit: CommitHash): ReadonlySet<TaskName> {
    const entries = this.#entries.get(keyOf(entry.folder.host, commit)) ?? [];
    if (entries.length < 2) return noTasks;
    const start = position(entries, entry) + 1;
    return new Set(
      entries.slice(start, start + flakyRuns).flatMap(({ recorded }) => {
        const summary = recorded.get(job)?.summary;
        return summary?.origin.commit === commit ? summary.failedTasks : [];
      }),
    );
  }

  /** Lists later runs of the commit, in which a failure of this one makes a pass flaky. */
  laterRuns(entry: RunEntry, commit: CommitHash): readonly RunEntry[] {
    const entries = this.#entries.get(keyOf(entry.folder.host, commit)) ?? [];
    const end = position(entries, entry);
    return entries.slice(Math.max(0, end - flakyRuns), end);
  }
}

const noTasks: ReadonlySet<TaskName> = new Set();
const keyOf = (host: WorkerHost, commit: CommitHash): string => `${host} ${commit}`;

/** Returns the index of an entry, or where to insert it, in a list that is sorted newest first. */
function position(entries: readonly RunEntry[], entry: RunEntry): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = entries[middle];
    if (item !== undefined && newestFirst(item.sortKey, entry.sortKey) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function jobsIn({ run, events }: RunEntry, commit: CommitHash): readonly Job[] {
  if (run === undefined) return [];
  return run.jobs.filter((job) => commitOf(run, job, events.get(job.address.job)) === commit);
}

/** Returns the commits of a run's jobs. */
export function commitsOf({ run, events }: RunEntry): ReadonlySet<CommitHash> {
  if (run === undefined) return new Set();
  return new Set(run.jobs.flatMap((job) => commitOf(run, job, events.get(job.address.job)) ?? []));
}
