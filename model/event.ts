/** Events of jobs: parses and formats the form fields of `POST /event`. */
import {
  parseCommitHash,
  parseJobName,
  parseRunId,
  parseTaskName,
  parseWorkerHost,
  type CommitHash,
  type JobName,
  type RunId,
  type TaskName,
  type WorkerHost,
} from './name.js';
import { maxTextLength, maxExpectedJobs, parseAttempt, parseLocalRun, parseRunNumber } from './run.js';
import { parseExitStatus } from './status.js';
import { accept, quote, refuse, type Result } from './result.js';

const eventNames = ['start', 'pull-begin', 'pull-done', 'task-done', 'heartbeat', 'done'] as const;
export type EventName = (typeof eventNames)[number];

/** An event, with what its sender knows about the job. */
export interface JobEvent {
  readonly name: EventName;
  readonly host: WorkerHost;
  readonly job: JobName;
  /** GITHUB_RUN_ID or the id of a local run; absent on sourcehut */
  readonly runId?: RunId;
  /** GITHUB_RUN_NUMBER: lets the run page show the job before its record arrives */
  readonly runNumber?: RunId;
  readonly attempt: number;
  /** sourcehut's JOB_ID; absent elsewhere */
  readonly jobId?: RunId;
  readonly commit?: CommitHash;
  readonly branch?: string;
  /** for `task-done` */
  readonly task?: TaskName;
  /** for `task-done` and `done` */
  readonly status?: number;
  /** for `start`: false if no event follows while the tasks run */
  readonly isLive?: false;
  /** for `done`: whether to write the status to the status API */
  readonly updateStatusApi: boolean;
  /** all jobs of the run; empty if the sender does not know them */
  readonly expectedJobs: readonly JobName[];
}

const fields = [
  'eventName',
  'workerHost',
  'jobName',
  'runId',
  'runNumber',
  'attempt',
  'jobId',
  'commit',
  'branch',
  'task',
  'status',
  'live',
  'updateStatusApi',
  'expectedJobs',
] as const;
type Field = (typeof fields)[number];

/** Parses the form fields of an event. Refuses an unknown, duplicate, missing or malformed field. */
export function parseEvent(form: Iterable<readonly [string, string]>): Result<JobEvent> {
  const values = new Map<Field, string>();
  for (const [key, value] of form) {
    const field = fields.find((f) => f === key);
    if (field === undefined) {
      return refuse(`cannot accept field ${quote(key)}: it must be one of ${fields.join(', ')}`);
    }
    if (values.has(field)) return refuse(`cannot accept field ${quote(key)}: duplicate field`);
    values.set(field, value);
  }
  const name = eventNames.find((n) => n === values.get('eventName'));
  if (name === undefined) {
    return refuse(
      `cannot accept eventName ${quote(values.get('eventName') ?? '')}: it must be one of ${eventNames.join(', ')}`,
    );
  }
  const host = parseWorkerHost(values.get('workerHost') ?? '', 'workerHost');
  if (!host.ok) return host;
  const job = parseJobName(values.get('jobName') ?? '', 'jobName');
  if (!job.ok) return job;
  const runId = optional(values.get('runId'), (t) =>
    host.value === 'local' ? parseLocalRun(t, 'runId') : parseRunId(t, 'runId'),
  );
  if (!runId.ok) return runId;
  const runNumber = optional(values.get('runNumber'), (t) => parseRunNumber(t, 'runNumber'));
  if (!runNumber.ok) return runNumber;
  const attempt = optional(values.get('attempt'), (t) => parseAttempt(t));
  if (!attempt.ok) return attempt;
  const jobId = optional(values.get('jobId'), (t) => parseRunId(t, 'jobId'));
  if (!jobId.ok) return jobId;
  const commit = optional(values.get('commit'), (t) => parseCommitHash(t));
  if (!commit.ok) return commit;
  const task = optional(values.get('task'), (t) => parseTaskName(t, 'task'));
  if (!task.ok) return task;
  const status = optional(values.get('status'), (t) => parseExitStatus(t, 'status'));
  if (!status.ok) return status;
  const update = values.get('updateStatusApi') ?? '0';
  if (update !== '0' && update !== '1') {
    return refuse(`cannot accept updateStatusApi ${quote(update)}: it must be 0 or 1`);
  }
  const live = values.get('live') ?? '1';
  if (live !== '0' && live !== '1') return refuse(`cannot accept live ${quote(live)}: it must be 0 or 1`);
  const expectedJobs: JobName[] = [];
  const names = (values.get('expectedJobs') ?? '').split(',').filter((t) => t !== '');
  if (names.length > maxExpectedJobs) {
    return refuse(`cannot accept expectedJobs: it has ${names.length} names, more than ${maxExpectedJobs}`);
  }
  for (const text of names) {
    const expected = parseJobName(text, 'expectedJobs');
    if (!expected.ok) return expected;
    expectedJobs.push(expected.value);
  }
  const idField = host.value === 'sourcehut' ? 'jobId' : 'runId';
  if (!values.get(idField)) return refuse(`cannot accept the event: ${idField} is missing`);
  if (name === 'done' && status.value === undefined)
    return refuse('cannot accept the event: status is missing');
  const branch = values.get('branch');
  if (branch !== undefined && branch.length > maxTextLength) {
    return refuse(`cannot accept branch ${quote(branch)}: it has more than ${maxTextLength} characters`);
  }
  return accept({
    name,
    host: host.value,
    job: job.value,
    ...(runId.value && { runId: runId.value }),
    ...(runNumber.value && { runNumber: runNumber.value }),
    attempt: attempt.value ?? 1,
    ...(jobId.value && { jobId: jobId.value }),
    ...(commit.value && { commit: commit.value }),
    ...(branch && { branch }),
    ...(task.value && { task: task.value }),
    ...(status.value !== undefined && { status: status.value }),
    ...(live === '0' && { isLive: false }),
    updateStatusApi: update === '1',
    expectedJobs,
  });
}

function optional<T>(text: string | undefined, parse: (text: string) => Result<T>): Result<T | undefined> {
  return text === undefined || text === '' ? accept(undefined) : parse(text);
}

/** Returns the form fields of an event in a fixed order, without absent values. */
export function formatEvent(event: JobEvent): [string, string][] {
  const pairs: [Field, string | undefined][] = [
    ['eventName', event.name],
    ['workerHost', event.host],
    ['jobName', event.job],
    ['runId', event.runId],
    ['runNumber', event.runNumber],
    ['attempt', event.attempt === 1 ? undefined : String(event.attempt)],
    ['jobId', event.jobId],
    ['commit', event.commit],
    ['branch', event.branch],
    ['task', event.task],
    ['status', event.status === undefined ? undefined : String(event.status)],
    ['live', event.isLive === false ? '0' : undefined],
    ['updateStatusApi', event.updateStatusApi ? '1' : undefined],
    ['expectedJobs', event.expectedJobs.length === 0 ? undefined : event.expectedJobs.join(',')],
  ];
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as [string, string]]));
}
