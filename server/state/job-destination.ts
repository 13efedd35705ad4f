/** The run folder that an uploaded job belongs to. Shell clients send only a part of its identity. Pure. */
import type { JobName, RunId } from '../../model/name.js';
import type { JobRecord } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import {
  folderName,
  parseLocalRun,
  parseRunNumber,
  type JobIdentity,
  type RunFolder,
} from '../../model/run.js';
import type { RunFolders } from './run-folders.js';

/** `attempt` undefined: the client does not number attempts, and gets the first free one. */
export type JobDestination =
  | {
      readonly host: 'github';
      readonly number: RunId;
      readonly runId?: RunId;
      readonly attempt?: number;
      readonly job: JobName;
    }
  | { readonly host: 'sourcehut'; readonly jobId: RunId; readonly job: JobName }
  | { readonly host: 'local'; readonly run: RunId; readonly attempt?: number; readonly job: JobName };

export function jobDestination(identity: JobIdentity): JobDestination {
  const { job } = identity;
  switch (identity.host) {
    case 'github':
      return {
        host: 'github',
        number: identity.number,
        runId: identity.runId,
        attempt: identity.attempt,
        job,
      };
    case 'sourcehut':
      return { host: 'sourcehut', jobId: identity.jobId, job };
    case 'local':
      return { host: 'local', run: identity.run, attempt: identity.attempt, job };
  }
}

/**
 * Returns the destination of a job from a shell client, which names the folder (`subdir`) itself: the run number,
 * sourcehut's job id, or a local run. The record may lack these, but must not contradict them.
 */
export function jobDestinationIn(
  host: JobIdentity['host'],
  subdir: string,
  { job, record }: { readonly job: JobName; readonly record: JobRecord },
): Result<JobDestination> {
  if (record.job !== undefined && record.job !== job) {
    return refuse(`cannot accept job-name ${quote(record.job)}: the files are for job ${quote(job)}`);
  }
  const differs = (key: string, value: string) =>
    refuse(`cannot accept ${key} ${quote(value)}: subdir is ${quote(subdir)}`);
  // The parser gives a record of schema 0 attempt 1 also when it has no GITHUB_RUN_ATTEMPT.
  const attempt = record.schema === 0 && record.attempt === 1 ? undefined : record.attempt;
  switch (host) {
    case 'github': {
      const number = parseRunNumber(subdir, 'subdir');
      if (!number.ok) return number;
      if (record.runNumber !== undefined && record.runNumber !== number.value) {
        return differs('GITHUB_RUN_NUMBER', record.runNumber);
      }
      return accept({
        ...{ host, number: number.value, job },
        ...(record.runId !== undefined && { runId: record.runId }),
        ...(attempt !== undefined && { attempt }),
      });
    }
    case 'sourcehut': {
      const jobId = parseRunNumber(subdir, 'subdir');
      if (!jobId.ok) return jobId;
      if (record.jobId !== undefined && record.jobId !== jobId.value) return differs('JOB_ID', record.jobId);
      return accept({ host, jobId: jobId.value, job });
    }
    case 'local': {
      const run = parseLocalRun(subdir, 'subdir');
      if (!run.ok) return run;
      if (record.localRun !== undefined && record.localRun !== run.value) {
        return differs('SOIL_RUN', record.localRun);
      }
      return accept({ host, run: run.value, job, ...(attempt !== undefined && { attempt }) });
    }
  }
}

/** Returns the name of a destination's run: its number, job id, or local name. */
export function runOfDestination(destination: JobDestination): RunId {
  switch (destination.host) {
    case 'github':
      return destination.number;
    case 'sourcehut':
      return destination.jobId;
    case 'local':
      return destination.run;
  }
}

/** Returns the run folder of one attempt. Reserves nothing. */
export function resolveFolder(
  destination: JobDestination,
  attempt: number,
  runFolders: RunFolders,
): Result<RunFolder> {
  switch (destination.host) {
    case 'github': {
      const resolved = runFolders.resolve(destination.number, destination.runId, attempt);
      return resolved.ok ? accept(resolved.value.folder) : resolved;
    }
    case 'sourcehut':
      return accept({ host: 'sourcehut', name: destination.jobId });
    case 'local':
      return accept({ host: 'local', name: folderName(destination.run, attempt) });
  }
}
