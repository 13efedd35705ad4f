/** What a site knows, as plain data: the fold of its records and events. Views turn it into pages. */
import type { CommitHash, WorkerHost } from '../model/name.js';
import type { JobOutcome, RunOutcome } from '../model/outcome.js';
import type { JobRecord } from '../model/record.js';
import type { Row } from '../model/row.js';
import type { JobAddress, RunFolder } from '../model/run.js';

/** What events told of one job; all times in seconds since 1970, UTC. */
export interface JobEvents {
  readonly startTime?: number;
  readonly pullBeginTime?: number;
  readonly pullDoneTime?: number;
  /** the newest event of any kind */
  readonly lastTime?: number;
  readonly tasksDone: number;
}

/** One job of one attempt: declared, running, or finished. */
export interface Job {
  readonly address: JobAddress;
  readonly outcome: JobOutcome;
  /** absent until it has arrived, or where it cannot be read */
  readonly record?: JobRecord;
  readonly rows: readonly Row[];
  /** why the record or the TSV cannot be read; shown on the job's own row */
  readonly problems: readonly string[];
  readonly wwzBytes?: number;
  readonly events: JobEvents;
}

/** A folder of a host: one attempt of a run (on sourcehut: one job), with its jobs by name. */
export interface Run {
  readonly folder: RunFolder;
  /** the folder's name less its attempt */
  readonly run: string;
  readonly attempt: number;
  readonly outcome: RunOutcome;
  readonly commit?: CommitHash;
  readonly commitLine?: string;
  readonly branch?: string;
  /** the earliest known start of a job, seconds since 1970, UTC */
  readonly startTime?: number;
  /** ordered by name */
  readonly jobs: readonly Job[];
}

/** Questions that views ask of a site. */
export interface SiteState {
  readonly title: string;
  /** newest first: by run number (sourcehut: job id), then attempt, compared as people count */
  runs(host: WorkerHost): readonly Run[];
  run(folder: RunFolder): Run | undefined;
  /** every attempt of the same run, newest first; on sourcehut only the one */
  attempts(folder: RunFolder): readonly Run[];
  /** every job of a commit, whatever host it ran on; ordered by host, then newest run first, then job name */
  jobsOfCommit(commit: CommitHash): readonly Job[];
  /** files published for a commit, relative to its artifact folder, ordered */
  artifacts(host: WorkerHost, commit: CommitHash): readonly string[];
}
