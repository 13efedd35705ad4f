/** Summarizes stored jobs for the state. Summaries share their equal parts. */
import type { TaskName } from '../../model/name.js';
import { conditionsOf } from '../../model/job-conditions.js';
import { taskOutcomes, type TaskOutcome } from '../../model/outcome.js';
import { withoutUndefined, type JobRecord } from '../../model/record.js';
import type { Row } from '../../model/row.js';
import type { StoredJob } from '../store/stored-job.js';
import type { JobOrigin, JobSummary, RecordedJob, TaskCounts } from './site-view.js';

/**
 * Returns an equal value that was seen before, if any: 18 jobs of a run share one origin, 20,000 passes one list of
 * tasks.
 */
export type Intern = <T extends object>(value: T) => T;

/** Returns a function that compares values by their JSON. It remembers at least the last `size` distinct values. */
export function createInterner(size = 5000): Intern {
  let young = new Map<string, object>();
  let old = new Map<string, object>();
  return <T extends object>(value: T): T => {
    const key = JSON.stringify(value);
    const known = young.get(key) ?? old.get(key);
    if (young.size >= size) {
      old = young;
      young = new Map();
    }
    young.set(key, known ?? value);
    return (known as T | undefined) ?? value;
  };
}

export function summarize(
  { record, rows, problems, end, wwzBytes }: Omit<StoredJob, 'address'>,
  intern: Intern,
): JobSummary {
  const tasksThat = (outcomes: readonly TaskOutcome[]): readonly TaskName[] =>
    intern(rows.flatMap((row) => (row.kind === 'row' && outcomes.includes(row.outcome) ? [row.task] : [])));
  return {
    schema: record?.schema ?? 0,
    origin: intern(originOf(record)),
    status: end.status,
    isReadable: problems.length === 0,
    rows: rows.length,
    counts: intern(countOutcomes(rows)),
    ...withoutUndefined({
      startTime: record?.startTime,
      seconds: jobSeconds(record, rows),
      pullSeconds: record?.imagePullSeconds,
      reason: record?.reason,
      wwzBytes,
    }),
    passedTasks: tasksThat(['passed']),
    failedTasks: tasksThat(['failed', 'timed-out', 'unexpected-pass']),
    expectedJobs: intern(record?.expectedJobs ?? []),
    ...(record !== undefined && statedConditions(record, intern)),
  };
}

function statedConditions(record: JobRecord, intern: Intern): Pick<JobSummary, 'conditions'> {
  const conditions = conditionsOf(record);
  return Object.keys(conditions).length === 0 ? {} : { conditions: intern(conditions) };
}

export function toRecordedJob(job: StoredJob, intern: Intern): RecordedJob {
  return {
    address: job.address,
    outcome: job.end.outcome,
    summary: summarize(job, intern),
    events: { tasksDone: job.rows.length },
    flakyTasks: [],
  };
}

/** Shares the parts of a job that was read from a snapshot. */
export function internJob(job: RecordedJob, intern: Intern): RecordedJob {
  const { origin, counts, passedTasks, failedTasks, expectedJobs, conditions } = job.summary;
  return {
    ...job,
    summary: {
      ...job.summary,
      origin: intern(origin),
      counts: intern(counts),
      passedTasks: intern(passedTasks),
      failedTasks: intern(failedTasks),
      expectedJobs: intern(expectedJobs),
      ...(conditions !== undefined && { conditions: intern(conditions) }),
    },
  };
}

function originOf(record: JobRecord | undefined): JobOrigin {
  if (record === undefined) return {};
  const { runId, commit, commitDate, commitLine, branch } = record;
  const { jobUrl, repository, workflow, event, pullRequest } = record;
  return withoutUndefined({
    ...{ runId, commit, commitDate, commitLine, branch },
    ...{ jobUrl, repository, workflow, event, pullRequest },
  });
}

function countOutcomes(rows: readonly Row[]): TaskCounts {
  return withoutUndefined(
    Object.fromEntries(
      taskOutcomes.map((outcome) => {
        const count = rows.filter((row) => row.outcome === outcome).length;
        return [outcome, count === 0 ? undefined : count];
      }),
    ),
  );
}

/** Returns the wall time of a job in seconds, from its start to its deployment, else the sum of its tasks' times. */
function jobSeconds(record: JobRecord | undefined, rows: readonly Row[]): number | undefined {
  const { startTime, deployTime } = record ?? {};
  if (startTime !== undefined && deployTime !== undefined && deployTime >= startTime) {
    return deployTime - startTime;
  }
  const measured = rows.flatMap((row) =>
    row.kind === 'row' && row.elapsedSeconds !== undefined ? [row.elapsedSeconds] : [],
  );
  return measured.length === 0 ? undefined : measured.reduce((sum, seconds) => sum + seconds, 0);
}
