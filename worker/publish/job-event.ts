/** A job's record or origin, and its progress -> the events that a server is told. Pure. */
import type { EventName, JobEvent } from '../../model/event.js';
import type { JobName, WorkerHost } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import type { Progress } from '../record/progress.js';

/** What every event of a job has in common. */
export type EventBase = Omit<JobEvent, 'name' | 'task' | 'status'>;

/** `record`: as much of a record as there is before the job ran, or all of it. */
export function planEventBase(
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

/** The event that a step of a job is for a server; most are none. The end is told after the results, not from here. */
export function planEvent(progress: Progress, base: EventBase): JobEvent | undefined {
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

export function planDone(base: EventBase, status: number): JobEvent {
  return { ...base, name: 'done', status };
}
