/** Describes a job that is skipped because a job that it needs did not pass. Pure. */
import { jobStatus } from '../../model/outcome.js';
import { recordSchema, type JobRecord } from '../../model/record.js';
import type { RunJobOptions } from '../record/progress.js';
import type { FinishedTasks } from '../record/write-record.js';
import { skippedRow } from './run-task.js';

/**
 * Returns the record and rows of a job that never starts. Its outcome is `empty`, which is not a pass, so that the run's
 * page, the status API and the gate show that the job did not run. `reason`: one clause. `now`: seconds since 1970.
 */
export function describeSkippedJob(
  { job, origin }: RunJobOptions,
  reason: string,
  now: number,
): { readonly record: JobRecord; readonly end: FinishedTasks } {
  const rows = job.tasks.map(skippedRow);
  const record: JobRecord = {
    ...origin,
    ...{ schema: recordSchema, job: job.name, startTime: now, deployTime: now },
    ...{ outcome: 'empty', status: jobStatus('empty', rows), reason: `skipped: ${reason}` },
    tasks: job.tasks.map(({ name, run }) => ({ name, run, skipped: `the job was skipped: ${reason}` })),
  };
  return { record, end: { tasks: job.tasks, rows } };
}
