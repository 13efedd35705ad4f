/** What arrived, what was heard and what was declared of a run -> the run as pages show it. Pure. */
import type { CommitHash, JobName, RunId, TaskName } from '../../model/name.js';
import { foldJobs, type JobOutcome } from '../../model/outcome.js';
import { defined } from '../../model/record.js';
import { splitFolder, type JobAddress, type RunFolder } from '../../model/run.js';
import type { EventFacts } from './job-events.js';
import type { Job, RecordedJob, Run, TaskCounts } from './site-view.js';

/** Everything known of one folder. */
export interface RunSource {
  readonly folder: RunFolder;
  /** GITHUB_RUN_ID, where it is known */
  readonly runId: RunId | undefined;
  /** jobs whose files are here */
  readonly recorded: ReadonlyMap<JobName, RecordedJob>;
  readonly events: ReadonlyMap<JobName, EventFacts>;
  /** jobs that events declared */
  readonly expected: ReadonlySet<JobName>;
  /** jobs that were given up when nothing had been heard of them, and when that was, seconds since 1970, UTC */
  readonly lostAt: ReadonlyMap<JobName, number>;
}

/** What other runs have to do with this one. */
export interface RunContext {
  /** jobs that earlier attempts have records of, which a re-run of only the failed ones does not repeat */
  readonly recordedBefore: ReadonlySet<JobName>;
  /** tasks of a job that failed on the same commit in an earlier run or attempt */
  readonly failedBefore: (job: JobName, commit: CommitHash) => ReadonlySet<TaskName>;
}

export function foldRun(source: RunSource, { recordedBefore, failedBefore }: RunContext): Run {
  const { folder, recorded, events, runId } = source;
  const names = [...jobNames(source, recordedBefore)].sort();
  const summaries = names.flatMap((name) => recorded.get(name)?.summary ?? []);
  // Once its record is there, events tell nothing more of a job: pages made from records alone are the same.
  const stillHeard = names.flatMap((name) => (recorded.has(name) ? [] : (events.get(name) ?? [])));
  const commit = first(summaries, (s) => s.origin.commit) ?? first(stillHeard, (h) => h.commit);
  const branch = first(summaries, (s) => s.origin.branch) ?? first(stillHeard, (h) => h.branch);
  const jobs = names.map((name): Job => {
    const job = recorded.get(name);
    if (job === undefined) return unrecorded({ ...folder, job: name }, source);
    const own = job.summary.origin.commit;
    return own === undefined ? job : withFlakyTasks(job, failedBefore(name, own));
  });
  const starts = jobs.flatMap((job) => job.summary?.startTime ?? job.events.startTime ?? []);
  return {
    folder,
    ...splitFolder(folder),
    outcome: foldJobs(jobs.map((job) => job.outcome)),
    ...defined({
      runId,
      commit,
      commitLine: first(summaries, (s) => s.origin.commitLine),
      branch,
      startTime: starts.length === 0 ? undefined : Math.min(...starts),
    }),
    jobs,
  };
}

/** The commit of a job: its record's, or what events said of it, or else its run's. */
export function commitOf(run: Run, job: Job, heard: EventFacts | undefined): CommitHash | undefined {
  return job.summary === undefined
    ? (heard?.commit ?? run.commit)
    : (job.summary.origin.commit ?? run.commit);
}

function jobNames(
  { folder, recorded, events, expected }: RunSource,
  settled: ReadonlySet<JobName>,
): ReadonlySet<JobName> {
  const names = new Set([...recorded.keys(), ...events.keys()]);
  // On sourcehut each job has a folder of its own: the others never come to this one.
  if (folder.host === 'sourcehut') return names;
  const declared = [...recorded.values()].flatMap((job) => job.summary.expectedJobs);
  for (const name of [...expected, ...declared]) if (!settled.has(name)) names.add(name);
  return names;
}

/**
 * A job that said it was done and has no record is lost, until the record comes; and so is one that was given up,
 * until it is heard of again.
 */
function unrecorded(address: JobAddress, { events, lostAt }: RunSource): Job {
  const facts = events.get(address.job);
  const silentSince = lostAt.get(address.job);
  const isLost =
    facts?.isDone === true || (silentSince !== undefined && silentSince >= (facts?.times.lastTime ?? 0));
  const outcome: JobOutcome = isLost ? 'lost' : facts === undefined ? 'expected' : 'running';
  return { address, outcome, events: facts?.times ?? { tasksDone: 0 }, flakyTasks: [] };
}

/** A pass of what failed on the same commit before is a flaky one, in its row and in its job. */
function withFlakyTasks(job: RecordedJob, failed: ReadonlySet<TaskName>): Job {
  if (failed.size === 0) return job;
  const flakyTasks = job.summary.passedTasks.filter((task) => failed.has(task));
  if (flakyTasks.length === 0) return job;
  return {
    ...job,
    outcome: job.outcome === 'passed' ? 'flaky' : job.outcome,
    summary: { ...job.summary, counts: moved(job.summary.counts, flakyTasks.length) },
    flakyTasks,
  };
}

/** Passes that turn out to be flaky. Tasks that are flaky by their own retries stay so. */
function moved({ passed = 0, flaky = 0, ...others }: TaskCounts, count: number): TaskCounts {
  const turned = Math.min(passed, count);
  return {
    ...others,
    ...(passed > turned && { passed: passed - turned }),
    flaky: flaky + turned,
  };
}

function first<T, V>(items: readonly T[], pick: (item: T) => V | undefined): V | undefined {
  for (const item of items) {
    const value = pick(item);
    if (value !== undefined) return value;
  }
  return undefined;
}
