/** Plans, executes and publishes one job. */
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { executeJob } from './execute-job.js';
import type { JobResults } from './job-context.js';
import { planJob, type JobOptions } from './plan-job.js';
import { announceResults, formatPublishCommand, publishJob } from './publish-job.js';

/** How one job of a command ended. */
export interface JobEnd {
  /** the name on the command line */
  readonly job: string;
  /** the job's own exit status; 1 if only publishing failed, 2 if the job could not be planned */
  readonly status: number;
  /** why the job was skipped: a job that it needs did not pass */
  readonly skip?: string;
  /** false: it ran because a named job needs it */
  readonly isNamed?: boolean;
  /** absent: the job never started */
  readonly results?: JobResults;
  /** addresses of the published results, the run page first */
  readonly urls: readonly string[];
}

/**
 * Plans and executes a job, and publishes its results if the options ask for it. Prints its progress and every error.
 * With `skip`, the reason to skip the job, writes and publishes a record that says so.
 */
export async function runPipeline(
  job: string,
  options: JobOptions,
  command: CommandContext,
  skip?: string,
): Promise<JobEnd> {
  const planned = await planJob(job, options, command);
  if (!planned.ok) {
    command.warn(planned.error);
    return { job, status: exitStatus.usage, urls: [] };
  }
  const skipped = skip === undefined ? {} : { skip };
  await announceResults(planned.value);
  try {
    const results = await executeJob({ ...planned.value, ...skipped });
    if (planned.value.target === undefined) command.print(`files: ${planned.value.out}`);
    const published = await publishJob(planned.value, results);
    if (published.ok) return { job, status: results.status, results, urls: published.value, ...skipped };
    const later = formatPublishCommand(planned.value, options);
    command.warn(`the results are stored; to publish them later: ${later}`);
    return {
      job,
      status: results.status === 0 ? exitStatus.failed : results.status,
      results,
      urls: [],
      ...skipped,
    };
  } finally {
    await planned.value.release();
  }
}
