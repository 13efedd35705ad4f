/** A job whose files have arrived -> what the site keeps in memory of it. Pure; what is the same is held once. */
import type { TaskName } from '../../model/name.js';
import { taskOutcomes, type TaskOutcome } from '../../model/outcome.js';
import { defined, type JobRecord } from '../../model/record.js';
import type { Row } from '../../model/row.js';
import type { StoredJob } from '../store/stored-job.js';
import type { JobOrigin, JobSummary, RecordedJob, TaskCounts } from './site-view.js';

/** Equal values that were seen before, so that 18 jobs of a run hold one origin and 20,000 passes one list of tasks. */
export type Shared = <T extends object>(value: T) => T;

/** Remembers the newest `size` values by their JSON text. */
export function createInterner(size = 5000): Shared {
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
  shared: Shared,
): JobSummary {
  const tasksThat = (outcomes: readonly TaskOutcome[]): readonly TaskName[] =>
    shared(rows.flatMap((row) => (row.kind === 'row' && outcomes.includes(row.outcome) ? [row.task] : [])));
  return {
    schema: record?.schema ?? 0,
    origin: shared(originOf(record)),
    status: end.status,
    isReadable: problems.length === 0,
    rows: rows.length,
    counts: shared(countOutcomes(rows)),
    ...defined({
      startTime: record?.startTime,
      seconds: jobSeconds(record, rows),
      pullSeconds: record?.imagePullSeconds,
      reason: record?.reason,
      wwzBytes,
    }),
    passedTasks: tasksThat(['passed']),
    failedTasks: tasksThat(['failed', 'timed-out']),
    expectedJobs: shared(record?.expectedJobs ?? []),
  };
}

export function jobOf(arrived: StoredJob, shared: Shared): RecordedJob {
  return {
    address: arrived.address,
    outcome: arrived.end.outcome,
    summary: summarize(arrived, shared),
    events: { tasksDone: arrived.rows.length },
    flakyTasks: [],
  };
}

/** The same job with what it has in common with others held once: for one that was read back. */
export function internJob(job: RecordedJob, shared: Shared): RecordedJob {
  const { origin, counts, passedTasks, failedTasks, expectedJobs } = job.summary;
  return {
    ...job,
    summary: {
      ...job.summary,
      origin: shared(origin),
      counts: shared(counts),
      passedTasks: shared(passedTasks),
      failedTasks: shared(failedTasks),
      expectedJobs: shared(expectedJobs),
    },
  };
}

function originOf(record: JobRecord | undefined): JobOrigin {
  if (record === undefined) return {};
  const { runId, commit, commitDate, commitLine, branch } = record;
  const { jobUrl, repository, workflow, event, pullRequest } = record;
  return defined({
    ...{ runId, commit, commitDate, commitLine, branch },
    ...{ jobUrl, repository, workflow, event, pullRequest },
  });
}

function countOutcomes(rows: readonly Row[]): TaskCounts {
  return defined(
    Object.fromEntries(
      taskOutcomes.map((outcome) => {
        const count = rows.filter((row) => row.outcome === outcome).length;
        return [outcome, count === 0 ? undefined : count];
      }),
    ),
  );
}

/** Wall time of a job in seconds: from its first task to its results; else what its tasks took together. */
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
