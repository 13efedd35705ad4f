/** A job's record and its JSON form: the keys of Soil's shell worker, and newer keys with a `schema`. */
import type { UncommittedFiles } from './job-conditions.js';
import type { CommitHash, JobName, RunId, WorkerHost } from './name.js';
import type { LeftOut } from './left-out.js';
import type { FinishedOutcome } from './outcome.js';
import type { JobIdentity } from './run.js';
import { accept, quote, refuse, type Result } from './result.js';

/** The version of the newer keys. A record without `schema` was written by Soil's shell and Python worker, and is schema 0. */
export const recordSchema = 1;

export interface ImageLayer {
  readonly bytes: number;
  readonly command: string;
}

/** The image a job ran in, as the engine described it. */
export interface ImageRecord {
  readonly name: string;
  readonly engine: 'podman' | 'docker';
  readonly digest?: string;
  readonly bytes?: number;
  readonly layers: readonly ImageLayer[];
}

/** The machine a job ran on. */
export interface MachineRecord {
  readonly name: string;
  readonly system: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** A task as declared. Its full command does not fit into a TSV cell. */
export interface TaskCommand {
  readonly name: string;
  readonly run: string;
  /** why the task was skipped; one sentence */
  readonly skipped?: string;
  /** what its outcome means: a known failure, an unexpected pass, or a question that nobody answered; one clause */
  readonly note?: string;
}

/** One job's record. In a record by another program, every field but `schema` may be missing. */
export interface JobRecord {
  readonly schema: number;
  readonly host?: WorkerHost;
  readonly job?: JobName;
  readonly commit?: CommitHash;
  /** as written by the worker; for display only */
  readonly commitDate?: string;
  /** the subject of the commit */
  readonly commitLine?: string;
  readonly branch?: string;
  /** seconds since 1970, UTC: when the first task began */
  readonly startTime?: number;
  /** seconds since 1970, UTC: when the results were packed */
  readonly deployTime?: number;
  readonly imagePullSeconds?: number;
  /** the job's page on its host: any text; linked only if it is an http or https URL */
  readonly jobUrl?: string;
  /** GitHub's OWNER/NAME */
  readonly repository?: string;
  readonly jobId?: RunId;
  readonly runNumber?: RunId;
  readonly runId?: RunId;
  readonly localRun?: RunId;
  /** 1 for the first */
  readonly attempt: number;
  readonly workflow?: string;
  readonly ref?: string;
  readonly event?: string;
  readonly pullRequest?: { readonly number: string; readonly headRef?: string; readonly headSha?: string };
  readonly outcome?: FinishedOutcome;
  /** the job's exit status */
  readonly status?: number;
  /** why the outcome is `error`, `cancelled` or `empty`, in one sentence */
  readonly reason?: string;
  readonly image?: ImageRecord;
  /** the `engine-flags` of the job: they can give its tasks more of the machine than a container has */
  readonly engineFlags?: readonly string[];
  /** what a task left was ended before the next one began */
  readonly isolated?: boolean;
  /** changes in the working tree before the first command; `unknown` without a git repository, absent in older records */
  readonly uncommitted?: UncommittedFiles | 'unknown';
  /** tasks could change the git repository of the machine */
  readonly git?: 'writable';
  readonly machine?: MachineRecord;
  readonly workerVersion?: string;
  readonly tasks: readonly TaskCommand[];
  /** what a limit kept out of the wwz; absent: nothing */
  readonly leftOut?: readonly LeftOut[];
  /** all jobs of the run, if the worker knows them */
  readonly expectedJobs: readonly JobName[];
  /** values of a record that was read, which are left out: the key, the value and the reason of each */
  readonly unread?: readonly string[];
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Returns the object without undefined values, as `exactOptionalPropertyTypes` requires. */
export function withoutUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Formats a record as JSON. The order of keys is fixed, so equal records have equal bytes. */
export function formatRecord(r: JobRecord): string {
  const json = {
    'job-name': r.job,
    'commit-hash': r.commit,
    'commit-date': r.commitDate,
    'commit-line': r.commitLine,
    'task-run-start-time': instantText(r.startTime),
    'task-deploy-start-time': instantText(r.deployTime),
    'image-pull-time': r.imagePullSeconds === undefined ? undefined : `real ${r.imagePullSeconds.toFixed(2)}`,
    JOB_URL: r.jobUrl,
    JOB_ID: r.jobId,
    GITHUB_REPOSITORY: r.repository,
    GITHUB_WORKFLOW: r.workflow,
    GITHUB_EVENT_NAME: r.event,
    GITHUB_RUN_ID: r.runId,
    GITHUB_RUN_NUMBER: r.runNumber,
    GITHUB_RUN_ATTEMPT: r.runNumber === undefined ? undefined : String(r.attempt),
    GITHUB_REF: r.ref,
    GITHUB_PR_NUMBER: r.pullRequest?.number,
    GITHUB_PR_HEAD_REF: r.pullRequest?.headRef,
    GITHUB_PR_HEAD_SHA: r.pullRequest?.headSha,
    SOIL_RUN: r.localRun,
    schema: r.schema,
    host: r.host,
    attempt: r.attempt,
    branch: r.branch,
    outcome: r.outcome,
    status: r.status,
    reason: r.reason,
    image: r.image,
    'engine-flags': r.engineFlags,
    isolated: r.isolated,
    uncommitted: r.uncommitted,
    git: r.git,
    machine: r.machine && {
      name: r.machine.name,
      system: r.machine.system,
      architecture: r.machine.architecture,
      cpus: r.machine.cpus,
      'memory-bytes': r.machine.memoryBytes,
    },
    'worker-version': r.workerVersion,
    tasks: r.tasks,
    'left-out': r.leftOut?.map(({ file, bytes, more, isPart, limit }) => ({
      file,
      bytes,
      more,
      part: isPart,
      limit,
    })),
    'expected-jobs': r.expectedJobs,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

const instantText = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : seconds.toFixed(3);

/**
 * Returns the job that a record is about. `request` has the host and the job of the upload. They complete a record that
 * lacks them, and must match those of a record that has them.
 */
export function identityOf(
  record: JobRecord,
  request: { readonly host?: WorkerHost; readonly job?: JobName } = {},
): Result<JobIdentity> {
  if (request.job !== undefined && record.job !== undefined && request.job !== record.job) {
    return refuse(`cannot accept job-name ${quote(record.job)}: the upload is for job ${quote(request.job)}`);
  }
  if (request.host !== undefined && record.host !== undefined && request.host !== record.host) {
    return refuse(
      `cannot accept host ${quote(record.host)}: the upload is for worker host ${quote(request.host)}`,
    );
  }
  const job = request.job ?? record.job;
  if (job === undefined) return refuse('cannot accept the record: job-name is missing');
  const { runNumber, runId, attempt, jobId, commit, localRun } = record;
  const host = request.host ?? record.host;
  if (host === undefined) return refuse('cannot accept the record: host is missing');
  switch (host) {
    case 'github':
      if (runNumber === undefined) return refuse('cannot accept the record: GITHUB_RUN_NUMBER is missing');
      if (runId === undefined) return refuse('cannot accept the record: GITHUB_RUN_ID is missing');
      return accept({ host: 'github', number: runNumber, runId, attempt, job });
    case 'sourcehut':
      if (jobId === undefined) return refuse('cannot accept the record: JOB_ID is missing');
      if (commit === undefined) return refuse('cannot accept the record: commit-hash is missing');
      return accept({ host: 'sourcehut', jobId, commit, job });
    case 'local':
      if (localRun === undefined) return refuse('cannot accept the record: SOIL_RUN is missing');
      return accept({ host: 'local', run: localRun, attempt, job });
  }
}
