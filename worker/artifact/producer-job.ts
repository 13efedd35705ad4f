/** The job that publishes an artifact. If it has ended without the artifact, waiting cannot help. */
import { parseJobName, type CommitHash, type JobName } from '../../model/name.js';
import { accept, quote, type Result } from '../../model/result.js';
import type { CommandContext } from '../system/command-context.js';
import { planStatusRun, type StatusRun } from '../client/status-address.js';
import { readStatus } from '../client/status-client.js';

export interface ProducerJobOptions {
  /** the name of the producer job */
  readonly job?: string;
  readonly host?: string;
  readonly runId?: string;
  readonly attempt?: string;
}

export interface ProducerJob {
  readonly job: JobName;
  readonly run: StatusRun;
  readonly commit: CommitHash;
  /** ends with a slash */
  readonly server: string;
}

/** Finds the producer job that the options name; undefined if they name none. */
export function planProducerJob(
  { job: name, ...options }: ProducerJobOptions,
  { commit, server }: Pick<ProducerJob, 'commit' | 'server'>,
  context: CommandContext,
): Result<ProducerJob | undefined> {
  if (name === undefined) return accept(undefined);
  const job = parseJobName(name, '--job');
  if (!job.ok) return job;
  const run = planStatusRun(options, commit, context);
  return run.ok ? accept({ job: job.value, run: run.value, commit, server }) : run;
}

/** Returns how the job ended, or undefined if it is running or its status cannot be read. */
export async function readProducerEnd({
  job,
  run,
  commit,
  server,
}: ProducerJob): Promise<string | undefined> {
  const answer = await readStatus({ server, host: run.host, run: run.run, job });
  if (answer.kind !== 'status') return undefined;
  const { status } = answer;
  const isSameRun =
    status.job === job &&
    status.host === run.host &&
    status.run === run.run &&
    status.attempt === run.attempt &&
    status.commit === commit;
  if (!isSameRun) return undefined;
  return `job ${quote(job)} ended as ${status.outcome} with exit status ${status.status}`;
}
