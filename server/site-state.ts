/** The state of a site in memory: records and events go in one by one, views ask it. What each change touches comes out. */
import type { JobEvent } from '../model/event.js';
import { workerHosts, type CommitHash, type JobName, type RunId, type WorkerHost } from '../model/name.js';
import { compareRunNames, folderName, splitFolder, type JobAddress, type RunFolder } from '../model/run.js';
import type { ArrivedJob } from './arrived-job.js';
import { addEvent, type EventFacts } from './event-fact.js';
import { RunClaims } from './run-claims.js';
import { foldRun, type FoldedRun, type RunSource } from './run-fold.js';
import type { Job, Run, SiteState } from './state.js';

/** What pages must follow: runs whose page changed, and commits whose jobs or artifacts did. */
export interface Change {
  readonly folders: readonly RunFolder[];
  readonly commits: readonly CommitHash[];
}

interface Entry extends RunSource {
  readonly arrived: Map<JobName, ArrivedJob>;
  readonly heard: Map<JobName, EventFacts>;
  readonly expected: Set<JobName>;
  folded: FoldedRun | undefined;
}

const nothing: Change = { folders: [], commits: [] };

export class LiveState implements SiteState {
  readonly title: string;
  readonly claims = new RunClaims();
  readonly #entries = new Map<string, Entry>();
  /** folders of the same run, by host and run */
  readonly #attempts = new Map<string, Entry[]>();
  readonly #runs = new Map<WorkerHost, Run[]>(workerHosts.map((host) => [host, []]));
  readonly #commits = new Map<CommitHash, Set<Entry>>();
  readonly #artifacts = new Map<string, Set<string>>();
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
    for (const entry of this.#entries.values()) this.#index(entry, this.#fold(entry));
    for (const host of workerHosts) {
      const runs = [...this.#entries.values()].flatMap((entry) =>
        entry.folder.host === host && entry.folded !== undefined ? [entry.folded.run] : [],
      );
      this.#runs.set(host, runs.sort(newestFirst));
    }
  }

  /** A job's files are in the site. The same job again replaces what is known of it. */
  addJob(job: ArrivedJob): Change {
    const { address, record } = job;
    const entry = this.#entry(address);
    entry.arrived.set(address.job, job);
    const { host } = address;
    if (host !== 'github') return this.#changed(entry);
    this.claims.claim(splitFolder(address).run as RunId, record?.runId);
    return joined([this.#changed(entry), ...this.#hearWaiting(record?.runId)]);
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

  /** A file was published for a commit, by its path below the commit's artifacts. */
  addArtifact(host: WorkerHost, commit: CommitHash, path: string): Change {
    const key = `${host} ${commit}`;
    const files = this.#artifacts.get(key) ?? new Set();
    this.#artifacts.set(key, files.add(path));
    return { folders: [], commits: [commit] };
  }

  runs(host: WorkerHost): readonly Run[] {
    return this.#runs.get(host) ?? [];
  }

  run(folder: RunFolder): Run | undefined {
    return this.#entries.get(keyOf(folder))?.folded?.run;
  }

  attempts(folder: RunFolder): readonly Run[] {
    return this.#siblings(folder)
      .flatMap((entry) => entry.folded?.run ?? [])
      .sort(newestFirst);
  }

  jobsOfCommit(commit: CommitHash): readonly Job[] {
    const entries = [...(this.#commits.get(commit) ?? [])].flatMap(({ folded }) => folded ?? []);
    return workerHosts.flatMap((host) =>
      entries
        .filter(({ run }) => run.folder.host === host)
        .sort((a, b) => newestFirst(a.run, b.run))
        .flatMap(({ run, commits }) => run.jobs.filter((job) => commits.get(job.address.job) === commit)),
    );
  }

  artifacts(host: WorkerHost, commit: CommitHash): readonly string[] {
    return [...(this.#artifacts.get(`${host} ${commit}`) ?? [])].sort();
  }

  /** Every commit that has a page. */
  commits(): readonly CommitHash[] {
    const published = [...this.#artifacts.keys()].map((key) => key.split(' ')[1] as CommitHash);
    return [...new Set([...this.#commits.keys(), ...published])];
  }

  /** The hosts in whose folder a commit has a page: those with a job of it, or with artifacts. */
  hostsOfCommit(commit: CommitHash): readonly WorkerHost[] {
    const jobs = new Set(this.jobsOfCommit(commit).map((job) => job.address.host));
    return workerHosts.filter((host) => jobs.has(host) || this.#artifacts.has(`${host} ${commit}`));
  }

  /** The files of a job, where they have arrived. */
  arrived(address: JobAddress): ArrivedJob | undefined {
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

  #entry(folder: RunFolder): Entry {
    const key = keyOf(folder);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { host, name } = folder;
    const entry: Entry = {
      folder: { host, name },
      arrived: new Map(),
      heard: new Map(),
      expected: new Set(),
      folded: undefined,
    };
    this.#entries.set(key, entry);
    const run = runKeyOf(folder);
    this.#attempts.set(run, [...(this.#attempts.get(run) ?? []), entry]);
    return entry;
  }

  #siblings(folder: RunFolder): readonly Entry[] {
    return this.#attempts.get(runKeyOf(folder)) ?? [];
  }

  /** Folds the run anew, and its later attempts, which do not expect what earlier ones have. */
  #changed(entry: Entry): Change {
    if (this.#isLoading) return nothing;
    const { attempt } = splitFolder(entry.folder);
    const touched = this.#siblings(entry.folder).filter((e) => splitFolder(e.folder).attempt >= attempt);
    const commits = new Set<CommitHash>();
    for (const each of touched) {
      const before = each.folded;
      const after = this.#fold(each);
      for (const commit of [...(before?.commits.values() ?? []), ...after.commits.values()])
        commits.add(commit);
      this.#place(before?.run, after.run);
      this.#index(each, after);
    }
    // Every attempt's page lists all attempts.
    return { folders: this.#siblings(entry.folder).map((e) => e.folder), commits: [...commits] };
  }

  #fold(entry: Entry): FoldedRun {
    const { attempt } = splitFolder(entry.folder);
    const earlier = this.#siblings(entry.folder).filter((e) => splitFolder(e.folder).attempt < attempt);
    return foldRun(entry, new Set(earlier.flatMap((e) => [...e.arrived.keys()])));
  }

  #index(entry: Entry, after: FoldedRun): void {
    for (const commit of entry.folded?.commits.values() ?? []) this.#commits.get(commit)?.delete(entry);
    entry.folded = after;
    for (const commit of after.commits.values()) {
      this.#commits.set(commit, (this.#commits.get(commit) ?? new Set()).add(entry));
    }
  }

  #place(before: Run | undefined, after: Run): void {
    const runs = this.#runs.get(after.folder.host) ?? [];
    runs.splice(positionOf(runs, after), before === undefined ? 0 : 1, after);
  }
}

const keyOf = ({ host, name }: RunFolder): string => `${host} ${name}`;
const runKeyOf = (folder: RunFolder): string => `${folder.host} ${splitFolder(folder).run}`;

/** By run number (sourcehut: job id), then attempt, compared as people count. */
function newestFirst(a: Run, b: Run): number {
  return compareRunNames(b.run, a.run) || b.attempt - a.attempt;
}

/** Where a run stands, or would stand, in a list that is sorted newest first. */
export function positionOf(runs: readonly Run[], run: Run): number {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = runs[middle];
    if (there !== undefined && newestFirst(there, run) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function joined(changes: readonly Change[]): Change {
  return {
    folders: changes.flatMap((change) => change.folders),
    commits: changes.flatMap((change) => change.commits),
  };
}
