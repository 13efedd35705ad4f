/** What a site knows, as plain data: the fold of its records and events. Views turn it into pages. */
import type { CommitHash, JobName, RunId, TaskName, WorkerHost } from '../../model/name.js';
import type { FinishedOutcome, JobOutcome, RunOutcome, TaskOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import type { JobAddress, RunFolder } from '../../model/run.js';
import type { Removal } from '../store/removal-entry.js';

/** What events told of one job; all times in seconds since 1970, UTC. */
export interface JobEvents {
  readonly startTime?: number;
  readonly pullBeginTime?: number;
  readonly pullDoneTime?: number;
  /** the newest event of any kind */
  readonly lastTime?: number;
  readonly tasksDone: number;
}

/** What ran, and why: the part of a record that the jobs of a run mostly share, held once for all of them. */
export type JobOrigin = Pick<
  JobRecord,
  | 'runId'
  | 'commit'
  | 'commitDate'
  | 'commitLine'
  | 'branch'
  | 'jobUrl'
  | 'repository'
  | 'workflow'
  | 'event'
  | 'pullRequest'
>;

/** What lists show of a job that has arrived: its record and rows in short, since a site has many. */
export interface JobSummary {
  readonly schema: number;
  readonly origin: JobOrigin;
  /** the job's exit status */
  readonly status: number;
  /** false: the record or the TSV has a problem, which the job's details tell */
  readonly isReadable: boolean;
  /** lines of the TSV, bad ones too */
  readonly rows: number;
  readonly counts: TaskCounts;
  readonly startTime?: number;
  /** wall time */
  readonly seconds?: number;
  readonly pullSeconds?: number;
  readonly reason?: string;
  readonly wwzBytes?: number;
  /** its wwz was there and went, by a rule of the site's retention */
  readonly removedWwz?: RemovedWwz;
  readonly passedTasks: readonly TaskName[];
  readonly failedTasks: readonly TaskName[];
  /** every job that this job's record says its run is to have */
  readonly expectedJobs: readonly JobName[];
}

/** `time` in seconds since 1970, UTC; `rule` in words. */
export interface RemovedWwz {
  readonly time: number;
  readonly rule: string;
  readonly bytes?: number;
}

/** How many rows ended how; an outcome that no row has is left out. */
export type TaskCounts = Readonly<Partial<Record<TaskOutcome, number>>>;

/** One job of one attempt: declared, running, or finished. */
export interface Job {
  readonly address: JobAddress;
  readonly outcome: JobOutcome;
  /** absent until its files have arrived */
  readonly summary?: JobSummary;
  readonly events: JobEvents;
  /** tasks that passed here and had failed on the same commit before */
  readonly flakyTasks: readonly TaskName[];
}

/** A job whose files have arrived. */
export interface RecordedJob extends Job {
  readonly outcome: FinishedOutcome;
  readonly summary: JobSummary;
}

/** A folder of a host: one attempt of a run (on sourcehut: one job), with its jobs by name. */
export interface Run {
  readonly folder: RunFolder;
  /** the folder's name less its attempt */
  readonly run: string;
  readonly attempt: number;
  /** GITHUB_RUN_ID, where it is known: unlike run numbers it counts for all workflows together */
  readonly runId?: RunId;
  readonly outcome: RunOutcome;
  readonly commit?: CommitHash;
  readonly commitLine?: string;
  readonly branch?: string;
  /** the earliest known start of a job, seconds since 1970, UTC */
  readonly startTime?: number;
  /** ordered by name */
  readonly jobs: readonly Job[];
}

export const isPullRequest = (run: Run): boolean =>
  run.jobs.some(({ summary }) => summary?.origin.pullRequest !== undefined);

/** A run with all its attempts, the newest first; never empty. */
export type RunGroup = readonly [Run, ...(readonly Run[])];

/** What ran for one commit of a branch, on every host; runs of pull requests apart. */
export interface BranchCommit {
  readonly commit: CommitHash;
  /** when the first of them began, seconds since 1970, UTC */
  readonly time: number;
  /** ordered by host, the newest first */
  readonly runs: readonly [Run, ...(readonly Run[])];
}

/** A job that has ended, with the run that it is of. */
export interface FinishedJob {
  readonly run: Run;
  readonly job: Job;
}

/** Questions that views ask of a site. */
export interface SiteView {
  readonly title: string;
  /** newest first, see compareRuns() */
  groups(host: WorkerHost): readonly RunGroup[];
  /** runs in which a job is running, newest first */
  running(host: WorkerHost): readonly Run[];
  run(folder: RunFolder): Run | undefined;
  /** every attempt of the same run, newest first; on sourcehut only the one */
  attempts(folder: RunFolder): readonly Run[];
  /** every job of a commit, whatever host it ran on; ordered by host, then newest run first, then job name */
  jobsOfCommit(commit: CommitHash): readonly Job[];
  /** files published for a commit, relative to its artifact folder, ordered */
  artifacts(host: WorkerHost, commit: CommitHash): readonly string[];
  /** the newest commits of a branch, the newest first */
  branchCommits(branch: string, count: number): readonly BranchCommit[];
  /** the newest runs of a job that have ended, the newest first; on any branch, or on one */
  history(job: JobName, count: number, branch?: string): readonly FinishedJob[];
}

/** Everything that can be asked of a site's state, also by commands and by the rooms above the pages. */
export interface SiteReader extends SiteView {
  /** every commit that has a page */
  commits(): Iterable<CommitHash>;
  /** the hosts that have a page of a commit: those with a job or an artifact of it */
  hostsOfCommit(commit: CommitHash): readonly WorkerHost[];
  /** every branch that has a commit */
  branches(): Iterable<string>;
  /** every job that has a record, on any branch or on one */
  jobs(branch?: string): readonly JobName[];
  /** undefined while the site has no record of the job */
  recordedJob(address: JobAddress): RecordedJob | undefined;
  /** what is known of a run that was removed */
  removal(folder: RunFolder): Removal | undefined;
  /** the folder name, without an attempt, of the GitHub run with this GITHUB_RUN_ID */
  githubRunName(runId: RunId): RunId | undefined;
}
