/** A job's JSON, both ways: Soil's own keys as they always were, and ours beside them under `schema`. */
import {
  parseCommitHash,
  parseJobName,
  parseRunId,
  parseWorkerHost,
  type CommitHash,
  type JobName,
  type RunId,
  type WorkerHost,
} from './name.js';
import { finishedOutcomes, type FinishedOutcome } from './outcome.js';
import { parseAttempt, parseLocalRun, parseRunNumber, type JobIdentity } from './run.js';
import { parseExitStatus } from './status.js';
import { accept, quote, refuse, type Result } from './result.js';

/** The version of our keys. A record without one was written by Soil's shell and Python worker: schema 0. */
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

/** A declared task, as far as the record keeps it: the whole command, which no TSV cell could hold. */
export interface TaskCommand {
  readonly name: string;
  readonly run: string;
}

/** One job's record. Every field but `schema` may be missing in a record that another tool wrote. */
export interface JobRecord {
  readonly schema: number;
  readonly host?: WorkerHost;
  readonly job?: JobName;
  readonly commit?: CommitHash;
  /** as the writer had it; for showing only */
  readonly commitDate?: string;
  /** the subject of the commit */
  readonly commitLine?: string;
  readonly branch?: string;
  /** seconds since 1970, UTC: when the first task began */
  readonly startTime?: number;
  /** seconds since 1970, UTC: when the results were put together */
  readonly deployTime?: number;
  readonly imagePullSeconds?: number;
  /** the job on its host's own site; any text: a page links it only when it is http or https */
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
  readonly machine?: MachineRecord;
  readonly workerVersion?: string;
  readonly tasks: readonly TaskCommand[];
  /** every job that this run is to have, where the worker knows them */
  readonly expectedJobs: readonly JobName[];
}

type Json = Readonly<Record<string, unknown>>;

/** Reads a record. Null, empty and missing values are the same; a value of a wrong type or form is named and refused. */
export function parseRecord(text: string): Result<JobRecord> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`cannot read the record: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(json)) return refuse(`cannot read the record ${quote(text)}: it is not a JSON object`);
  try {
    return accept(new RecordReader(json).read());
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message);
    throw error;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

class Refusal extends Error {}

/** Takes values out of one JSON object by key; a refusal leaves through an exception that parseRecord turns back. */
class RecordReader {
  readonly #json: Json;

  constructor(json: Json) {
    this.#json = json;
  }

  read(): JobRecord {
    const number = this.text('GITHUB_PR_NUMBER');
    const pullRequest =
      number === undefined
        ? undefined
        : {
            number,
            ...defined({
              headRef: this.text('GITHUB_PR_HEAD_REF'),
              headSha: this.text('GITHUB_PR_HEAD_SHA'),
            }),
          };
    const ref = this.text('GITHUB_REF');
    const schema = this.#json.schema ?? 0;
    if (schema !== 0 && schema !== recordSchema) {
      throw new Refusal(
        `cannot accept schema ${quote(JSON.stringify(schema))}: this Soil reads 0 and ${recordSchema}`,
      );
    }
    return {
      schema,
      ...defined({
        host: this.parsed('host', parseWorkerHost),
        job: this.parsed('job-name', parseJobName),
        commit: this.parsed('commit-hash', parseCommitHash),
        commitDate: this.text('commit-date'),
        commitLine: this.text('commit-line'),
        branch: this.text('branch') ?? /^refs\/heads\/(.+)$/.exec(ref ?? '')?.[1],
        startTime: this.instant('task-run-start-time'),
        deployTime: this.instant('task-deploy-start-time'),
        imagePullSeconds: this.pullSeconds(),
        jobUrl: this.text('JOB_URL'),
        repository: this.text('GITHUB_REPOSITORY'),
        jobId: this.parsed('JOB_ID', parseRunId),
        runNumber: this.parsed('GITHUB_RUN_NUMBER', parseRunNumber),
        runId: this.parsed('GITHUB_RUN_ID', parseRunId),
        localRun: this.parsed('SOIL_RUN', parseLocalRun),
        workflow: this.text('GITHUB_WORKFLOW'),
        ref,
        event: this.text('GITHUB_EVENT_NAME'),
        pullRequest,
        outcome: this.outcome(),
        status: this.parsed('status', parseExitStatus),
        reason: this.text('reason'),
        image: this.image(),
        machine: this.machine(),
        workerVersion: this.text('worker-version'),
      }),
      attempt: this.parsed('GITHUB_RUN_ATTEMPT', parseAttempt) ?? this.parsed('attempt', parseAttempt) ?? 1,
      tasks: this.list('tasks').map((item) => {
        const task = new RecordReader(this.object('tasks', item));
        return { name: task.text('name') ?? '', run: task.text('run') ?? '' };
      }),
      expectedJobs: this.list('expected-jobs').map((item) =>
        unwrap(parseJobName(String(item), 'expected-jobs')),
      ),
    };
  }

  /** A string or a number as text; null, missing and blank are undefined. */
  text(key: string): string | undefined {
    const value = this.#json[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number') return String(value);
    if (typeof value !== 'string') this.wrong(key, value, 'it must be text');
    return value.trim() === '' ? undefined : value.trim();
  }

  parsed<T>(key: string, parse: (text: string, what: string) => Result<T>): T | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : unwrap(parse(text, key));
  }

  number(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0) this.wrong(key, text, 'it must be a number from 0');
    return value;
  }

  /** Seconds since 1970 as a number, or a date that names its zone. */
  instant(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
    // Year 9999: past it, no date can be shown.
    if (!(value >= 0 && value < 253402300800))
      this.wrong(key, text, 'it must be seconds since 1970 or a date');
    return value;
  }

  /** `time -p` prints three lines, `real 12.34` the first; a plain number is taken too. */
  pullSeconds(): number | undefined {
    const text = this.text('image-pull-time');
    if (text === undefined || text === '-') return undefined;
    const [, real] = /(?:^real\s+|^)(\d+(?:\.\d+)?)\s*$/m.exec(text) ?? [];
    if (real === undefined)
      this.wrong('image-pull-time', text, 'it must be a number or what `time -p` prints');
    return Number(real);
  }

  outcome(): FinishedOutcome | undefined {
    const text = this.text('outcome');
    if (text === undefined) return undefined;
    const outcome = finishedOutcomes.find((o) => o === text);
    return outcome ?? this.wrong('outcome', text, `it must be one of ${finishedOutcomes.join(', ')}`);
  }

  image(): ImageRecord | undefined {
    const json = this.#json.image;
    if (json === undefined || json === null) return undefined;
    const image = new RecordReader(this.object('image', json));
    const engine = image.text('engine');
    if (engine !== 'podman' && engine !== 'docker')
      image.wrong('engine', engine, 'it must be podman or docker');
    return {
      name: image.text('name') ?? '-',
      engine,
      ...defined({ digest: image.text('digest'), bytes: image.number('bytes') }),
      layers: image.list('layers').map((item) => {
        const layer = new RecordReader(this.object('layers', item));
        return { bytes: layer.number('bytes') ?? 0, command: layer.text('command') ?? '-' };
      }),
    };
  }

  machine(): MachineRecord | undefined {
    const json = this.#json.machine;
    if (json === undefined || json === null) return undefined;
    const machine = new RecordReader(this.object('machine', json));
    return {
      name: machine.text('name') ?? '-',
      system: machine.text('system') ?? '-',
      architecture: machine.text('architecture') ?? '-',
      cpus: machine.number('cpus') ?? 0,
      memoryBytes: machine.number('memory-bytes') ?? 0,
    };
  }

  list(key: string): readonly unknown[] {
    const value = this.#json[key];
    if (value === undefined || value === null) return [];
    return Array.isArray(value) ? value : this.wrong(key, value, 'it must be a list');
  }

  object(key: string, value: unknown): Json {
    return isObject(value) ? value : this.wrong(key, value, 'it must be an object');
  }

  wrong(key: string, value: unknown, reason: string): never {
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
    throw new Refusal(`cannot accept ${key} ${quote(text)}: ${reason}`);
  }
}

function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Refusal(result.error);
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without its undefined values, as `exactOptionalPropertyTypes` wants it. */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** The record's JSON text: keys always in the same order, so that the same record has the same bytes. */
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
    machine: r.machine && {
      name: r.machine.name,
      system: r.machine.system,
      architecture: r.machine.architecture,
      cpus: r.machine.cpus,
      'memory-bytes': r.machine.memoryBytes,
    },
    'worker-version': r.workerVersion,
    tasks: r.tasks,
    'expected-jobs': r.expectedJobs,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

const instantText = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : seconds.toFixed(3);

/**
 * Whose record this is. `host` and `job` may come from the request where the record does not say; where both say it
 * they must agree.
 */
export function identityOf(
  record: JobRecord,
  asked: { readonly host?: WorkerHost; readonly job?: JobName } = {},
): Result<JobIdentity> {
  if (asked.job !== undefined && record.job !== undefined && asked.job !== record.job) {
    return refuse(`cannot accept job-name ${quote(record.job)}: the upload is for job ${quote(asked.job)}`);
  }
  if (asked.host !== undefined && record.host !== undefined && asked.host !== record.host) {
    return refuse(
      `cannot accept host ${quote(record.host)}: the upload is for worker host ${quote(asked.host)}`,
    );
  }
  const job = asked.job ?? record.job;
  if (job === undefined) return refuse('cannot accept the record: job-name is missing');
  const { runNumber, runId, attempt, jobId, commit, localRun } = record;
  const host = asked.host ?? record.host;
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
    case undefined:
      return refuse('cannot accept the record: host is missing');
  }
}
