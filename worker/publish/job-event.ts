/** Creates the events that the server receives about a job. */
import type { EventName, JobEvent } from '../../model/event.js';
import type { JobName, WorkerHost } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import type { Progress } from '../record/progress.js';

/** The fields that all events of a job share. */
export type EventBase = Omit<JobEvent, 'name' | 'task' | 'status'>;

/** Creates the shared fields from a record, or from a job's origin before it ran. */
export function createEventBase(
  record: Pick<
    JobRecord,
    'attempt' | 'commit' | 'branch' | 'runId' | 'runNumber' | 'localRun' | 'jobId' | 'expectedJobs'
  >,
  host: WorkerHost,
  job: JobName,
): EventBase {
  const runId = host === 'local' ? record.localRun : record.runId;
  return {
    ...{ host, job, attempt: record.attempt, updateStatusApi: false, expectedJobs: record.expectedJobs },
    ...(runId !== undefined && { runId }),
    ...(record.runNumber !== undefined && { runNumber: record.runNumber }),
    ...(record.jobId !== undefined && { jobId: record.jobId }),
    ...(record.commit !== undefined && { commit: record.commit }),
    ...(record.branch !== undefined && { branch: record.branch }),
  };
}

/** Creates the event for a step of a job. Returns undefined for most steps; `done` is sent only after the results. */
export function createEvent(progress: Progress, base: EventBase): JobEvent | undefined {
  const named = (name: EventName): JobEvent => ({ ...base, name });
  switch (progress.kind) {
    case 'start':
    case 'pull-begin':
    case 'pull-done':
      return named(progress.kind);
    case 'task-done':
      return { ...named('task-done'), task: progress.row.task, status: progress.row.status };
    case 'task-begin':
    case 'task-skipped':
    case 'archive':
    case 'notice':
    case 'done':
      return undefined;
  }
}

/** Creates the event that a job is done. */
export function createDoneEvent(base: EventBase, status: number): JobEvent {
  return { ...base, name: 'done', status };
}
