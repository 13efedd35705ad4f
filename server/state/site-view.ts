/** A site's runs, jobs and commits as plain data, folded from its records and events. Views render them. */
import type { CommitHash, JobName, RunId, TaskName, WorkerHost } from '../../model/name.js';
import type { FinishedOutcome, JobOutcome, RunOutcome, TaskOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import type { JobConditions } from '../../model/job-conditions.js';
import type { JobAddress, RunFolder } from '../../model/run.js';
import type { Removal } from '../store/removal-entry.js';

/** The progress of one job, from its events. Times are in seconds since 1970, UTC. */
export interface JobEvents {
  readonly startTime?: number;
  readonly pullBeginTime?: number;
  readonly pullDoneTime?: number;
  /** the newest event of any kind */
  readonly lastTime?: number;
  readonly tasksDone: number;
  /** false: the job was announced, and sends no events while its tasks run */
  readonly isLive?: false;
}

/** The part of a record that most jobs of a run have in common. Equal parts are shared. */
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

/** The summary of a job's record and rows. A site has one for each job in memory. */
export interface JobSummary {
  readonly schema: number;
  readonly origin: JobOrigin;
  /** the job's exit status */
  readonly status: number;
  /** false: the record or the TSV has a problem, see JobDetails */
  readonly isReadable: boolean;
  /** lines of the TSV, including bad ones */
  readonly rows: number;
  readonly counts: TaskCounts;
  readonly startTime?: number;
  /** wall time */
  readonly seconds?: number;
  readonly pullSeconds?: number;
  readonly reason?: string;
  readonly wwzBytes?: number;
  /** set when retention removed the wwz */
  readonly removedWwz?: RemovedWwz;
  readonly passedTasks: readonly TaskName[];
  readonly failedTasks: readonly TaskName[];
  /** every job that the run will have, according to the record */
  readonly expectedJobs: readonly JobName[];
  /** its sender must not say what its run is, see limitJob() */
  readonly isLimited?: true;
  /** absent: the record states none */
  readonly conditions?: JobConditions;
}

/** `time` in seconds since 1970, UTC; `rule` as in Removal. */
export interface RemovedWwz {
  readonly time: number;
  readonly rule: string;
  readonly bytes?: number;
}

/** Rows by outcome. An outcome without rows is left out. */
export type TaskCounts = Readonly<Partial<Record<TaskOutcome, number>>>;

/** One job of one attempt: expected, running, lost or finished. */
export interface Job {
  readonly address: JobAddress;
  readonly outcome: JobOutcome;
  /** absent until the site has its record */
  readonly summary?: JobSummary;
  /** when this server received the record, seconds since 1970, UTC; absent for records that were in the folder */
  readonly receivedTime?: number;
  readonly events: JobEvents;
  /** tasks that passed, and failed on the same commit before */
  readonly flakyTasks: readonly TaskName[];
}

/** A job with a record in the site. */
export interface RecordedJob extends Job {
  readonly outcome: FinishedOutcome;
  readonly summary: JobSummary;
}

/** A start later than this after the arrival of the record is the mistake of a clock. */
export const clockToleranceSeconds = 300;

/** Returns when a job started, as far as this server can know: never after it received the record. */
export function knownStart({ summary, receivedTime, events }: Job): number | undefined {
  const start = summary?.startTime ?? events.startTime;
  if (start === undefined || receivedTime === undefined) return start;
  return start > receivedTime + clockToleranceSeconds ? receivedTime : start;
}

/** A folder of a host: one attempt of a run (on sourcehut: one job), with its jobs by name. */
export interface Run {
  readonly folder: RunFolder;
  /** the folder's name without its attempt */
  readonly run: string;
  readonly attempt: number;
  /** the line of the log with the first record or event of any of its attempts; 0: not known */
  readonly arrival: number;
  /** GITHUB_RUN_ID, if known: unlike a run number it is unique across workflows */
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

/** The runs of one commit of a branch on all hosts, without those of pull requests. */
export interface BranchCommit {
  readonly commit: CommitHash;
  /** the start of the first run, seconds since 1970, UTC */
  readonly time: number;
  /** ordered by host, the newest first */
  readonly runs: readonly [Run, ...(readonly Run[])];
}

/** A finished job and its run. */
export interface FinishedJob {
  readonly run: Run;
  readonly job: Job;
}

/** What views read of a site. */
export interface SiteView {
  readonly title: string;
  /** newest first, see compareRuns() */
  groups(host: WorkerHost): readonly RunGroup[];
  /** runs in which a job is running, newest first */
  running(host: WorkerHost): readonly Run[];
  run(folder: RunFolder): Run | undefined;
  /** every attempt of the same run, newest first; on sourcehut there is only one */
  attempts(folder: RunFolder): readonly Run[];
  /** the jobs of a commit on all hosts; ordered by host, then newest run first, then job name */
  jobsOfCommit(commit: CommitHash): readonly Job[];
  /** the artifacts of a commit, relative to its artifact folder, sorted */
  artifacts(host: WorkerHost, commit: CommitHash): readonly string[];
  /** at most `count` commits of a branch, newest first */
  branchCommits(branch: string, count: number): readonly BranchCommit[];
  /** at most `count` finished runs of a job, newest first; on any branch, or on one */
  history(job: JobName, count: number, branch?: string): readonly FinishedJob[];
}

/** What all other rooms read of a site. */
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
  /** the removal of a run; undefined if it was not removed */
  removal(folder: RunFolder): Removal | undefined;
  /** the folder name, without an attempt, of the GitHub run with this GITHUB_RUN_ID */
  githubRunName(runId: RunId): RunId | undefined;
}
