/** The run folders of a site in memory: the records and events of each, and the run that they fold into. */
import type { JobName, RunId } from '../../model/name.js';
import { splitFolder, type RunFolder } from '../../model/run.js';
import type { EventFacts } from './job-events.js';
import type { Removal, RemovedJob } from '../store/removal-entry.js';
import type { RunSource } from './run-fold.js';
import type { RecordedJob, Run } from './site-view.js';

export class RunEntry implements RunSource {
  readonly folder: RunFolder;
  /** the folder's name without its attempt */
  readonly runName: string;
  readonly attempt: number;
  readonly recorded = new Map<JobName, RecordedJob>();
  readonly events = new Map<JobName, EventFacts>();
  readonly expected = new Set<JobName>();
  readonly lostAt = new Map<JobName, number>();
  #runId: RunId | undefined;
  readonly #arrival: RunArrival;
  /** when the last record was stored, by this server's clock; 0 for records stored before the server started */
  #recordTime = 0;
  /** set if the run was removed; then everything else is ignored */
  removed: Removal | undefined;
  /** the result of the last fold; undefined if the run was removed */
  run: Run | undefined;

  /** `arrival` is shared by all attempts of the run. */
  constructor(folder: RunFolder, arrival: RunArrival) {
    this.folder = folder;
    this.#arrival = arrival;
    const { run, attempt } = splitFolder(folder);
    this.runName = run;
    this.attempt = attempt;
  }

  get runId(): RunId | undefined {
    return this.#runId;
  }

  get arrival(): number {
    return this.#arrival.sequence;
  }

  /** The key that sorts it in a list, see newestFirst(). */
  get sortKey(): Pick<Run, 'arrival' | 'run' | 'runId' | 'attempt'> {
    const { runName: run, attempt, arrival } = this;
    return { arrival, run, attempt, ...(this.#runId && { runId: this.#runId }) };
  }

  /**
   * Notes a line of the log that is about the run. The first one counts. Must be called only while no attempt is in a list,
   * or for a later line.
   */
  noteArrival(sequence: number): void {
    const { sequence: known } = this.#arrival;
    if (known === 0 || sequence < known) this.#arrival.sequence = sequence;
  }

  /** Must be called only while the entry is in no list, since lists are sorted by run id. */
  setRunId(runId: RunId | undefined): void {
    this.#runId = runId;
  }

  /** Records that a record was stored at this time. */
  noteRecordTime(time: number): void {
    this.#recordTime = Math.max(this.#recordTime, time);
  }

  /** Returns the time of the last event or record, seconds since 1970, UTC. */
  lastActivity(now: number): number {
    const received = [...this.events.values()].map(({ times }) => times.lastTime ?? 0);
    // A worker's clock may be wrong: a time in the future is ignored.
    const recorded = [...this.recorded.values()]
      .map(({ summary }) => (summary.startTime ?? 0) + (summary.seconds ?? 0))
      .filter((time) => time <= now);
    return Math.max(0, this.#recordTime, ...received, ...recorded);
  }

  /** Marks the wwz of a job as removed by retention. */
  removeWwz({ job: name, wwzBytes }: RemovedJob, { time, rule }: Removal): void {
    const job = this.recorded.get(name);
    if (job === undefined) return;
    const { wwzBytes: present, ...summary } = job.summary;
    const bytes = wwzBytes ?? present;
    const removedWwz = { time, rule, ...(bytes !== undefined && { bytes }) };
    this.recorded.set(name, { ...job, summary: { ...summary, removedWwz } });
  }

  /** Copies what only a snapshot has to a job whose files were read again: when it was received, and a removed wwz. */
  restoreFacts({ address, receivedTime, summary: { removedWwz } }: RecordedJob): void {
    const job = this.recorded.get(address.job);
    if (job === undefined) return;
    const isRemoved = job.summary.wwzBytes === undefined && removedWwz !== undefined;
    this.recorded.set(address.job, {
      ...job,
      ...(receivedTime !== undefined && { receivedTime }),
      ...(isRemoved && { summary: { ...job.summary, removedWwz } }),
    });
  }
}

/** When a run arrived: a line of the log; 0: not known. */
interface RunArrival {
  sequence: number;
}

/** The run folders of all hosts, by host and name. */
export class RunTable {
  readonly #entries = new Map<string, RunEntry>();
  /** by host and run name */
  readonly #attempts = new Map<string, RunEntry[]>();
  /** by host and run name */
  readonly #arrivals = new Map<string, RunArrival>();

  find(folder: RunFolder): RunEntry | undefined {
    return this.#entries.get(folderKey(folder));
  }

  /** Returns the entry of a folder, and adds one if there is none. */
  get(folder: RunFolder): RunEntry {
    const known = this.find(folder);
    if (known !== undefined) return known;
    const { host, name } = folder;
    const run = runKey(folder);
    const arrival = this.#arrivals.get(run) ?? { sequence: 0 };
    this.#arrivals.set(run, arrival);
    const entry = new RunEntry({ host, name }, arrival);
    this.#entries.set(folderKey(folder), entry);
    this.#attempts.set(run, [...(this.#attempts.get(run) ?? []), entry]);
    return entry;
  }

  /** Lists the attempts of the run in a folder, in the order in which they were added. */
  attempts(folder: RunFolder): readonly RunEntry[] {
    return this.#attempts.get(runKey(folder)) ?? [];
  }

  all(): Iterable<RunEntry> {
    return this.#entries.values();
  }
}

export const folderKey = ({ host, name }: RunFolder): string => `${host} ${name}`;
export const runKey = (folder: RunFolder): string => `${folder.host} ${splitFolder(folder).run}`;
