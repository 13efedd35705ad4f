/** Folds the records and events of a run into the run that pages show. Pure. */
import type { CommitHash, JobName, RunId, TaskName } from '../../model/name.js';
import { foldJobs, type JobOutcome } from '../../model/outcome.js';
import { withoutUndefined } from '../../model/record.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../model/run.js';
import type { EventFacts } from './job-events.js';
import { knownStart, type Job, type RecordedJob, type Run, type TaskCounts } from './site-view.js';

/** The records and events of one run folder. */
export interface RunSource {
  readonly folder: RunFolder;
  /** see Run */
  readonly arrival: number;
  /** GITHUB_RUN_ID, if known */
  readonly runId: RunId | undefined;
  /** jobs that have a record */
  readonly recorded: ReadonlyMap<JobName, RecordedJob>;
  /** by job, including jobs that have a record */
  readonly events: ReadonlyMap<JobName, EventFacts>;
  /** jobs that the run will have, according to its events */
  readonly expected: ReadonlySet<JobName>;
  /** when jobs without events were marked as lost, seconds since 1970, UTC */
  readonly lostAt: ReadonlyMap<JobName, number>;
}

/** What the fold of a run needs from earlier runs. */
export interface RunContext {
  /** jobs with a record in an earlier attempt: a re-run of the failed jobs does not repeat them */
  readonly recordedBefore: ReadonlySet<JobName>;
  /** tasks of a job that failed on the same commit in an earlier run or attempt */
  readonly failedBefore: (job: JobName, commit: CommitHash) => ReadonlySet<TaskName>;
}

export function foldRun(source: RunSource, { recordedBefore, failedBefore }: RunContext): Run {
  const { folder, arrival, recorded, events, runId } = source;
  const names = [...jobNames(source, recordedBefore)].sort();
  const summaries = names.flatMap((name) => {
    const summary = recorded.get(name)?.summary;
    return summary === undefined || summary.isLimited === true ? [] : [summary];
  });
  // Events of a job with a record are ignored, so that pages rendered from the records alone are the same.
  const unrecordedEvents = names.flatMap((name) => (recorded.has(name) ? [] : (events.get(name) ?? [])));
  const commit = first(summaries, (s) => s.origin.commit) ?? first(unrecordedEvents, (facts) => facts.commit);
  const branch = first(summaries, (s) => s.origin.branch) ?? first(unrecordedEvents, (facts) => facts.branch);
  const jobs = names.map((name): Job => {
    const job = recorded.get(name);
    if (job === undefined) return unrecordedJob({ ...folder, job: name }, source);
    const own = job.summary.origin.commit;
    return own === undefined ? job : withFlakyTasks(job, failedBefore(name, own));
  });
  const starts = jobs.flatMap((job) => knownStart(job) ?? []);
  return {
    folder,
    ...splitFolder(folder),
    arrival,
    outcome: foldJobs(jobs.map((job) => job.outcome)),
    ...withoutUndefined({
      runId,
      commit,
      commitLine: first(summaries, (s) => s.origin.commitLine),
      branch,
      startTime: starts.length === 0 ? undefined : Math.min(...starts),
    }),
    jobs,
  };
}

/** Returns the commit in a job's record, else in its events, else that of its run. */
export function commitOf(run: Run, job: Job, facts: EventFacts | undefined): CommitHash | undefined {
  return job.summary === undefined
    ? (facts?.commit ?? run.commit)
    : (job.summary.origin.commit ?? run.commit);
}

function jobNames(
  { folder, recorded, events, expected }: RunSource,
  recordedBefore: ReadonlySet<JobName>,
): ReadonlySet<JobName> {
  const names = new Set([...recorded.keys(), ...events.keys()]);
  // On sourcehut each job has its own folder, so no other job is expected in this one.
  if (folder.host === 'sourcehut') return names;
  const declared = [...recorded.values()].flatMap((job) => job.summary.expectedJobs);
  for (const name of [...expected, ...declared]) if (!recordedBefore.has(name)) names.add(name);
  return names;
}

/**
 * Folds a job without a record. It is lost after a `done` event, or if it was marked as lost and has no later event.
 */
function unrecordedJob(address: JobAddress, { events, lostAt }: RunSource): Job {
  const facts = events.get(address.job);
  const lostTime = lostAt.get(address.job);
  const isLost =
    facts?.isDone === true || (lostTime !== undefined && lostTime >= (facts?.times.lastTime ?? 0));
  const outcome: JobOutcome = isLost ? 'lost' : facts === undefined ? 'expected' : 'running';
  return { address, outcome, events: facts?.times ?? { tasksDone: 0 }, flakyTasks: [] };
}

/** Marks passed tasks that failed on the same commit before as flaky, and the job too if it passed. */
function withFlakyTasks(job: RecordedJob, failed: ReadonlySet<TaskName>): Job {
  if (failed.size === 0) return job;
  const flakyTasks = job.summary.passedTasks.filter((task) => failed.has(task));
  if (flakyTasks.length === 0) return job;
  return {
    ...job,
    outcome: job.outcome === 'passed' ? 'flaky' : job.outcome,
    summary: { ...job.summary, counts: moveToFlaky(job.summary.counts, flakyTasks.length) },
    flakyTasks,
  };
}

/** Moves `count` passes to flaky. */
function moveToFlaky({ passed = 0, flaky = 0, ...others }: TaskCounts, count: number): TaskCounts {
  const moved = Math.min(passed, count);
  return {
    ...others,
    ...(passed > moved && { passed: passed - moved }),
    flaky: flaky + moved,
  };
}

function first<T, V>(items: readonly T[], pick: (item: T) => V | undefined): V | undefined {
  for (const item of items) {
    const value = pick(item);
    if (value !== undefined) return value;
  }
  return undefined;
}
