/** One folder of a host as the state keeps it: what is known of it, and the run that follows from that. */
import type { JobName, RunId } from '../../model/name.js';
import { splitFolder, type RunFolder } from '../../model/run.js';
import type { EventFacts } from './job-events.js';
import type { Removal, RemovedJob } from '../store/removal-entry.js';
import type { RunSource } from './run-fold.js';
import type { RecordedJob, Run } from './site-view.js';

export class RunEntry implements RunSource {
  readonly folder: RunFolder;
  /** the folder's name less its attempt, as `Run` has it */
  readonly runName: string;
  readonly attempt: number;
  readonly recorded = new Map<JobName, RecordedJob>();
  readonly events = new Map<JobName, EventFacts>();
  readonly expected = new Set<JobName>();
  readonly lostAt = new Map<JobName, number>();
  #runId: RunId | undefined;
  /** when a record came last, by this server's clock; 0 for those that an earlier server took */
  #arrivalTime = 0;
  /** the run was removed: nothing else of it counts any more */
  removed: Removal | undefined;
  /** as it was folded last; absent where it was removed */
  run: Run | undefined;

  constructor(folder: RunFolder) {
    this.folder = folder;
    const { run, attempt } = splitFolder(folder);
    this.runName = run;
    this.attempt = attempt;
  }

  get runId(): RunId | undefined {
    return this.#runId;
  }

  /** Where it stands among others, see compareRuns(). */
  get sortKey(): Pick<Run, 'run' | 'runId' | 'attempt'> {
    return { run: this.runName, attempt: this.attempt, ...(this.#runId && { runId: this.#runId }) };
  }

  /** To be set only while the entry stands in no list: it decides where. */
  setRunId(runId: RunId | undefined): void {
    this.#runId = runId;
  }

  noteRecordTime(time: number): void {
    this.#arrivalTime = Math.max(this.#arrivalTime, time);
  }

  /** When something was heard of the run last, by an event or a record; seconds since 1970, UTC. */
  lastActivity(now: number): number {
    const heard = [...this.events.values()].map(({ times }) => times.lastTime ?? 0);
    // A worker's clock may be wrong: of a time that is still to come nothing follows.
    const recorded = [...this.recorded.values()]
      .map(({ summary }) => (summary.startTime ?? 0) + (summary.seconds ?? 0))
      .filter((time) => time <= now);
    return Math.max(0, this.#arrivalTime, ...heard, ...recorded);
  }
  /** A job's wwz goes, by a rule of the site's retention; its other files stay. */
  removeWwz({ job: name, wwzBytes }: RemovedJob, { time, rule }: Removal): void {
    const job = this.recorded.get(name);
    if (job === undefined) return;
    const { wwzBytes: present, ...summary } = job.summary;
    const bytes = wwzBytes ?? present;
    const removedWwz = { time, rule, ...(bytes !== undefined && { bytes }) };
    this.recorded.set(name, { ...job, summary: { ...summary, removedWwz } });
  }

  /** What is remembered of a wwz, of a job whose other files were read anew. */
  restoreRemovedWwz({ address, summary: { removedWwz } }: RecordedJob): void {
    const job = this.recorded.get(address.job);
    if (job === undefined || job.summary.wwzBytes !== undefined || removedWwz === undefined) return;
    this.recorded.set(address.job, { ...job, summary: { ...job.summary, removedWwz } });
  }
}
