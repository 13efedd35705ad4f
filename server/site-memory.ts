/** The site in memory: the fold of its records and events, and the answers that views ask for. No I/O. */
import { workerHosts, type CommitHash, type JobName, type RunId, type WorkerHost } from '../model/name.js';
import type { JobEvent } from '../model/event.js';
import { foldJobs } from '../model/outcome.js';
import { defined, type JobRecord } from '../model/record.js';
import type { Row } from '../model/row.js';
import { compareRunNames, folderName, splitFolder, type JobAddress, type RunFolder } from '../model/run.js';
import { contradiction, endOf } from './consistency.js';
import type { Job, JobEvents, Run, SiteState } from './state.js';

/** What is on disk of one job. */
export interface StoredJob {
  readonly record?: JobRecord;
  readonly rows: readonly Row[];
  readonly problems: readonly string[];
  readonly wwzBytes?: number;
}

interface RunEntry {
  readonly folder: RunFolder;
  readonly jobs: Map<JobName, Job>;
  readonly expected: Set<JobName>;
  readonly commits: Set<CommitHash>;
  /** GITHUB_RUN_ID, where anything told it */
  runId?: RunId;
  commit?: CommitHash;
  branch?: string;
  made?: Run;
}

const noEvents: JobEvents = { tasksDone: 0 };

export class SiteMemory implements SiteState {
  readonly title: string;
  readonly #runs = new Map<WorkerHost, Map<string, RunEntry>>(workerHosts.map((host) => [host, new Map()]));
  readonly #sorted = new Map<WorkerHost, readonly RunEntry[]>();
  readonly #made = new Map<WorkerHost, readonly Run[]>();
  readonly #byCommit = new Map<CommitHash, Set<RunEntry>>();
  readonly #attempts = new Map<string, Set<RunEntry>>();
  readonly #artifacts = new Map<string, readonly string[]>();

  constructor(title: string) {
    this.title = title;
  }

  /** Takes in what is on disk of a job; whatever was known of it before is replaced. */
  putJob(address: JobAddress, stored: StoredJob): void {
    const entry = this.#entry(address);
    const { record, rows, problems } = stored;
    const odd = record === undefined ? undefined : contradiction(record, rows);
    const told = odd === undefined ? problems : [...problems, `the record cannot be believed: ${odd}`];
    const outcome = record === undefined || told.length > 0 ? 'error' : endOf(record, rows).outcome;
    // What events told is not on disk: with a record there, pages must follow from the record alone.
    entry.jobs.set(address.job, {
      ...{ address, outcome, rows, problems: told, events: noEvents },
      ...defined({ record, wwzBytes: stored.wwzBytes }),
    });
    if (record !== undefined) {
      if (record.runId !== undefined) entry.runId = record.runId;
      for (const job of record.expectedJobs) entry.expected.add(job);
      if (record.commit !== undefined) this.#hasCommit(record.commit, entry);
    }
    this.#changed(entry);
  }

  /** Takes in an event of a job that has no record yet; for one that has, it tells nothing new. */
  putEvent(address: JobAddress, event: JobEvent, time: number): void {
    const entry = this.#entry(address);
    if (event.runId !== undefined) entry.runId ??= event.runId;
    for (const job of event.expectedJobs) entry.expected.add(job);
    if (event.commit !== undefined) {
      entry.commit ??= event.commit;
      this.#hasCommit(event.commit, entry);
    }
    if (event.branch !== undefined) entry.branch ??= event.branch;
    const known = entry.jobs.get(address.job);
    if (known === undefined || isOpen(known)) {
      const events = foldEvent(known?.events ?? noEvents, event, time);
      const outcome = event.name === 'done' ? 'lost' : known?.outcome === 'lost' ? 'lost' : 'running';
      entry.jobs.set(address.job, { address, outcome, rows: [], problems: [], events });
    }
    this.#changed(entry);
  }

  putArtifacts(host: WorkerHost, commit: CommitHash, files: readonly string[]): void {
    this.#artifacts.set(`${host}/${commit}`, files);
  }

  /**
   * The folder of a GitHub run's attempt. Run numbers count within a workflow: where the plain name belongs to another
   * run id, the newcomer's name carries its id, so that both are kept.
   */
  githubFolder(number: RunId, runId: RunId, attempt: number): RunFolder {
    const host = 'github';
    const plain = folderName(number, attempt);
    const sibling = [...(this.#attempts.get(attemptsKey({ host, name: number })) ?? [])].find(
      (entry) => entry.runId !== undefined,
    );
    const owner = this.#runs.get(host)?.get(plain)?.runId ?? sibling?.runId;
    const name =
      owner === undefined || owner === runId ? plain : folderName(`${number}-id${runId}` as RunId, attempt);
    return { host, name };
  }

  /** The folder of a GitHub run of which only the id is known; undefined where nothing told its number yet. */
  folderOfRunId(runId: RunId, attempt: number): RunFolder | undefined {
    const entries = this.#runs.get('github')?.values() ?? [];
    const entry = [...entries].find((e) => e.runId === runId);
    if (entry === undefined) return undefined;
    return { host: 'github', name: folderName(splitFolder(entry.folder).run as RunId, attempt) };
  }

  job(address: JobAddress): Job | undefined {
    return this.#runs.get(address.host)?.get(address.name)?.jobs.get(address.job);
  }

  /** Where a run stands in its host's newest-first list. */
  indexOf(folder: RunFolder): number {
    return this.#order(folder.host).findIndex((entry) => entry.folder.name === folder.name);
  }

  /** Hosts of which anything is known. */
  hosts(): readonly WorkerHost[] {
    return workerHosts.filter((host) => (this.#runs.get(host)?.size ?? 0) > 0);
  }

  commits(): Iterable<CommitHash> {
    return this.#byCommit.keys();
  }

  /** The commits that a run's jobs are of: one, unless somebody mixed them. */
  commitsOf(folder: RunFolder): readonly CommitHash[] {
    return [...(this.#runs.get(folder.host)?.get(folder.name)?.commits ?? [])];
  }

  hostsOfCommit(commit: CommitHash): readonly WorkerHost[] {
    const hosts = new Set([...(this.#byCommit.get(commit) ?? [])].map((entry) => entry.folder.host));
    return workerHosts.filter((host) => hosts.has(host));
  }

  runs(host: WorkerHost): readonly Run[] {
    const made = this.#made.get(host) ?? this.#order(host).map((entry) => this.#runOf(entry));
    this.#made.set(host, made);
    return made;
  }

  run(folder: RunFolder): Run | undefined {
    const entry = this.#runs.get(folder.host)?.get(folder.name);
    return entry && this.#runOf(entry);
  }

  attempts(folder: RunFolder): readonly Run[] {
    return [...(this.#attempts.get(attemptsKey(folder)) ?? [])]
      .map((entry) => this.#runOf(entry))
      .sort(newestFirst);
  }

  jobsOfCommit(commit: CommitHash): readonly Job[] {
    const runs = [...(this.#byCommit.get(commit) ?? [])].map((entry) => this.#runOf(entry));
    const order = (run: Run) => workerHosts.indexOf(run.folder.host);
    runs.sort((a, b) => order(a) - order(b) || newestFirst(a, b));
    return runs.flatMap((run) => run.jobs.filter((job) => (job.record?.commit ?? run.commit) === commit));
  }

  artifacts(host: WorkerHost, commit: CommitHash): readonly string[] {
    return this.#artifacts.get(`${host}/${commit}`) ?? [];
  }

  #entry({ host, name }: RunFolder): RunEntry {
    const runs = this.#runs.get(host);
    const known = runs?.get(name);
    if (known !== undefined) return known;
    const folder = { host, name };
    const entry: RunEntry = { folder, jobs: new Map(), expected: new Set(), commits: new Set() };
    runs?.set(name, entry);
    this.#sorted.delete(host);
    const key = attemptsKey(folder);
    this.#attempts.set(key, (this.#attempts.get(key) ?? new Set()).add(entry));
    return entry;
  }

  #hasCommit(commit: CommitHash, entry: RunEntry): void {
    entry.commits.add(commit);
    this.#byCommit.set(commit, (this.#byCommit.get(commit) ?? new Set()).add(entry));
  }

  #changed(entry: RunEntry): void {
    delete entry.made;
    this.#made.delete(entry.folder.host);
  }

  #order(host: WorkerHost): readonly RunEntry[] {
    const sorted =
      this.#sorted.get(host) ??
      [...(this.#runs.get(host)?.values() ?? [])].sort((a, b) => newestFirst(splitRun(a), splitRun(b)));
    this.#sorted.set(host, sorted);
    return sorted;
  }

  #runOf(entry: RunEntry): Run {
    entry.made ??= makeRun(entry);
    return entry.made;
  }
}

const attemptsKey = (folder: RunFolder): string => `${folder.host}/${splitFolder(folder).run}`;

const splitRun = (entry: RunEntry): RunOrder => ({ folder: entry.folder, ...splitFolder(entry.folder) });

type RunOrder = Pick<Run, 'folder' | 'run' | 'attempt'>;

const newestFirst = (a: RunOrder, b: RunOrder): number =>
  compareRunNames(b.run, a.run) || b.attempt - a.attempt || compareRunNames(b.folder.name, a.folder.name);

/** A job that has neither a record nor files: only events told of it. */
const isOpen = (job: Job): boolean =>
  job.outcome === 'running' || job.outcome === 'lost' || job.outcome === 'expected';

function foldEvent(events: JobEvents, event: JobEvent, time: number): JobEvents {
  const later = { ...events, lastTime: time };
  switch (event.name) {
    case 'start':
      return { ...later, startTime: events.startTime ?? time };
    case 'pull-begin':
      return { ...later, pullBeginTime: time };
    case 'pull-done':
      return { ...later, pullDoneTime: time };
    case 'task-done':
      return { ...later, tasksDone: events.tasksDone + 1 };
    case 'heartbeat':
    case 'done':
      return later;
  }
}

/** The run as views see it: what any of its jobs tells, taken in the order of their names. */
function makeRun(entry: RunEntry): Run {
  const { folder } = entry;
  const expected = [...entry.expected].filter((name) => !entry.jobs.has(name));
  const absent = expected.map((name): Job => {
    const address = { ...folder, job: name };
    return { address, outcome: 'expected', rows: [], problems: [], events: noEvents };
  });
  const jobs = [...entry.jobs.values(), ...absent].sort((a, b) => (a.address.job < b.address.job ? -1 : 1));
  const records = jobs.flatMap((job) => job.record ?? []);
  const first = <T>(pick: (record: JobRecord) => T | undefined): T | undefined =>
    records.map(pick).find((value) => value !== undefined);
  const starts = jobs.flatMap((job) => job.record?.startTime ?? job.events.startTime ?? []);
  return {
    folder,
    ...splitFolder(folder),
    outcome: foldJobs(jobs.map((job) => job.outcome)),
    ...defined({
      commit: first((r) => r.commit) ?? entry.commit,
      commitLine: first((r) => r.commitLine),
      branch: first((r) => r.branch) ?? entry.branch,
      startTime: starts.length === 0 ? undefined : Math.min(...starts),
    }),
    jobs,
  };
}
