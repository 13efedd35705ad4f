/** Finds in the worker's state, where no task can write, which commit the jobs of a run tested on this machine. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseJobName, parseRunId, type CommitHash } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import { accept, quote, refuse, valueOf, type Result } from '../../model/result.js';
import { chooseRepo } from '../config/load-job.js';
import { identifyRun } from '../record/run-identity.js';
import { jobFilePaths } from '../state/job-folder.js';
import { locateJob } from '../state/job-state.js';
import type { CommandContext } from '../system/command-context.js';

export interface TestedCommit {
  readonly commit: CommitHash;
  /** absent: a detached HEAD was tested */
  readonly branch?: string;
}

/** How options and environment name a run. */
export interface RunOptions {
  readonly host?: string;
  readonly runId?: string;
  readonly attempt?: string;
}

/** Returns the commit that the jobs of the run tested, or undefined if none ran here. Refuses if they tested several. */
export async function findTestedCommit(
  options: RunOptions,
  context: CommandContext,
): Promise<Result<TestedCommit | undefined>> {
  const isOfRun = planRunFilter(options, context);
  if (isOfRun === undefined) return accept(undefined);
  const records = (await readRecords(context)).filter(
    (record) => isOfRun(record) && record.commit !== undefined,
  );
  const [first] = records;
  if (first?.commit === undefined) return accept(undefined);
  const other = records.find(({ commit }) => commit !== first.commit);
  if (other !== undefined) {
    return refuse(
      `cannot determine the candidate: jobs of this run tested ${first.commit} (${quote(first.job ?? '')}) and ` +
        `${other.commit ?? ''} (${quote(other.job ?? '')}); pass --commit HASH`,
    );
  }
  const { commit, branch } = first;
  return accept({ commit, ...(branch !== undefined && { branch }) });
}

type RunFilter = (record: JobRecord) => boolean;

function planRunFilter({ host, runId, attempt }: RunOptions, context: CommandContext): RunFilter | undefined {
  if (host !== undefined && runId !== undefined) {
    const run = parseRunId(runId, '--run-id');
    if (!run.ok) return undefined;
    return (record) =>
      record.host === host && [record.localRun, record.runId, record.jobId].includes(run.value);
  }
  const identified = identifyRun({
    ...{ environment: context.environment, now: context.now() },
    ...(runId !== undefined && { runId }),
    ...(attempt !== undefined && { attempt }),
  });
  if (!identified.ok) return undefined;
  const run = identified.value;
  switch (run.host) {
    case 'github':
      return (record) => record.host === 'github' && record.runId === run.runId;
    case 'sourcehut':
      return (record) => record.host === 'sourcehut' && record.jobId === run.jobId;
    case 'local':
      return (record) => run.named && record.host === 'local' && record.localRun === run.run;
  }
}

/** Reads the records of the jobs that ran in the checkout and wrote to its usual output folder. */
async function readRecords(context: CommandContext): Promise<readonly JobRecord[]> {
  const { environment, cwd } = context;
  const repo = await chooseRepo(context);
  const anyJob = valueOf(parseJobName('job'));
  const located = await locateJob(environment, { repo, cwd, out: undefined, job: anyJob });
  if (!located.ok) return [];
  const folder = dirname(located.value.folder);
  const records: JobRecord[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const job = parseJobName(name, 'job');
    if (!job.ok) continue;
    const text = await readFile(jobFilePaths(`${folder}/${name}`, job.value).json, 'utf8').catch(
      () => undefined,
    );
    const record = text === undefined ? undefined : parseRecord(text);
    if (record?.ok === true && record.value.job === job.value) records.push(record.value);
  }
  return records;
}
