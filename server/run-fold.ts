/** What arrived, what was heard and what was declared of a run -> the run as pages show it. Pure. */
import type { CommitHash, JobName } from '../model/name.js';
import { foldJobs } from '../model/outcome.js';
import { splitFolder, type JobAddress, type RunFolder } from '../model/run.js';
import type { ArrivedJob } from './arrived-job.js';
import type { EventFacts } from './event-fact.js';
import type { Job, Run } from './state.js';

/** Everything known of one folder. */
export interface RunSource {
  readonly folder: RunFolder;
  readonly arrived: ReadonlyMap<JobName, ArrivedJob>;
  readonly heard: ReadonlyMap<JobName, EventFacts>;
  /** jobs that events declared */
  readonly expected: ReadonlySet<JobName>;
}

export interface FoldedRun {
  readonly run: Run;
  /** the commit of each job, where it is known */
  readonly commits: ReadonlyMap<JobName, CommitHash>;
}

/** `settled`: jobs that earlier attempts have records of, which a re-run of only the failed ones does not repeat. */
export function foldRun(source: RunSource, settled: ReadonlySet<JobName>): FoldedRun {
  const { folder, arrived, heard } = source;
  const jobs = [...jobNames(source, settled)].sort().map((name): Job => {
    const address = { ...folder, job: name };
    const files = arrived.get(name);
    return files === undefined ? unrecorded(address, heard.get(name)) : recorded(address, files);
  });
  const records = jobs.flatMap((job) => job.record ?? []);
  // Once its record is there, events tell nothing more of a job: pages made from records alone are the same.
  const stillHeard = jobs.flatMap((job) =>
    arrived.has(job.address.job) ? [] : (heard.get(job.address.job) ?? []),
  );
  const commit = first(records, (r) => r.commit) ?? first(stillHeard, (h) => h.commit);
  const branch = first(records, (r) => r.branch) ?? first(stillHeard, (h) => h.branch);
  const commitLine = first(records, (r) => r.commitLine);
  const starts = jobs.flatMap((job) => job.record?.startTime ?? job.events.startTime ?? []);
  const commits = new Map<JobName, CommitHash>();
  for (const { address, record } of jobs) {
    const own =
      record?.commit ?? (record === undefined ? heard.get(address.job)?.commit : undefined) ?? commit;
    if (own !== undefined) commits.set(address.job, own);
  }
  return {
    commits,
    run: {
      folder,
      ...splitFolder(folder),
      outcome: foldJobs(jobs.map((job) => job.outcome)),
      ...(commit !== undefined && { commit }),
      ...(commitLine !== undefined && { commitLine }),
      ...(branch !== undefined && { branch }),
      ...(starts.length > 0 && { startTime: Math.min(...starts) }),
      jobs,
    },
  };
}

function jobNames(
  { folder, arrived, heard, expected }: RunSource,
  settled: ReadonlySet<JobName>,
): ReadonlySet<JobName> {
  const names = new Set([...arrived.keys(), ...heard.keys()]);
  // On sourcehut each job has a folder of its own: the others never come to this one.
  if (folder.host === 'sourcehut') return names;
  const declared = [...arrived.values()].flatMap((job) => job.record?.expectedJobs ?? []);
  for (const name of [...expected, ...declared]) if (!settled.has(name)) names.add(name);
  return names;
}

function recorded(address: JobAddress, files: ArrivedJob): Job {
  const { record, rows, problems, wwzBytes, end } = files;
  return {
    address,
    outcome: end.outcome,
    ...(record !== undefined && { record }),
    rows,
    problems,
    ...(wwzBytes !== undefined && { wwzBytes }),
    events: { tasksDone: rows.length },
  };
}

/** A job that said it was done and has no record is lost, until the record comes. */
function unrecorded(address: JobAddress, facts: EventFacts | undefined): Job {
  const outcome = facts === undefined ? 'expected' : facts.isDone ? 'lost' : 'running';
  return { address, outcome, rows: [], problems: [], events: facts?.times ?? { tasksDone: 0 } };
}

function first<T, V>(items: readonly T[], pick: (item: T) => V | undefined): V | undefined {
  for (const item of items) {
    const value = pick(item);
    if (value !== undefined) return value;
  }
  return undefined;
}
