/** The job that makes an artifact -> whether it has ended, as the status API tells, so that nobody waits for it in vain. */
import { parseJobName, type CommitHash, type JobName } from '../../model/name.js';
import { accept, quote, type Result } from '../../model/result.js';
import type { CommandContext } from '../system/command-context.js';
import { planRunId, type StatusRun } from '../client/status-address.js';
import { askStatus } from '../client/status-client.js';

export interface ProducerJobOptions {
  /** the job that makes what is waited for */
  readonly job?: string;
  readonly host?: string;
  readonly runId?: string;
  readonly attempt?: string;
}

export interface ProducerJob {
  readonly job: JobName;
  readonly run: StatusRun;
  readonly commit: CommitHash;
  /** ends in a slash */
  readonly server: string;
}

/** Undefined where nobody named a job. */
export function planProducerJob(
  { job: name, ...options }: ProducerJobOptions,
  { commit, server }: Pick<ProducerJob, 'commit' | 'server'>,
  context: CommandContext,
): Result<ProducerJob | undefined> {
  if (name === undefined) return accept(undefined);
  const job = parseJobName(name, '--job');
  if (!job.ok) return job;
  const run = planRunId(options, commit, context);
  return run.ok ? accept({ job: job.value, run: run.value, commit, server }) : run;
}

/** How it ended; undefined while it runs, or where nothing certain is known. */
export async function readProducerEnd({
  job,
  run,
  commit,
  server,
}: ProducerJob): Promise<string | undefined> {
  const answer = await askStatus({ server, host: run.host, run: run.run, job });
  if (answer.kind !== 'status') return undefined;
  const { status } = answer;
  const isOurs =
    status.job === job &&
    status.host === run.host &&
    status.run === run.run &&
    status.attempt === run.attempt &&
    status.commit === commit;
  if (!isOurs) return undefined;
  return `job ${quote(job)} has ended as ${status.outcome}, with exit status ${status.status}`;
}
