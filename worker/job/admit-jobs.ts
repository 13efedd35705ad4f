/** Compares the jobs of a command with the policies of this machine, before anything of them runs. */
import { accept, refuse, type Result } from '../../model/result.js';
import type { JobChoice } from '../config/load-job.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { admitJob } from '../policy/admit-job.js';
import { loadPolicies, type TrustOptions } from '../policy/load-policies.js';
import type { CommandContext } from '../system/command-context.js';

export interface AdmitOptions extends TrustOptions {
  readonly publish?: boolean;
  readonly tokenFile?: string;
}

/** Returns a job as it may run here. Warns about the tokens that its tasks can read. */
export async function admitJobHere(
  { repo, job }: Pick<JobChoice, 'repo' | 'job'>,
  { publish = false, tokenFile, ...trust }: AdmitOptions,
  command: Pick<CommandContext, 'environment' | 'warn'>,
): Promise<Result<JobDeclaration>> {
  const policies = await loadPolicies(trust, command, repo);
  if (!policies.ok) return policies;
  return admitJob(job, {
    ...{ repo, policies: policies.value, environment: command.environment, publishes: publish },
    ...(publish && tokenFile !== undefined && { tokenFile }),
    notice: (text) => {
      command.warn(`notice: ${text}`);
    },
  });
}

/** Refuses jobs if one of them may not run, with the refusals of all, so that no job starts before one that is refused. */
export async function admitJobsHere(
  choices: readonly Pick<JobChoice, 'repo' | 'job'>[],
  options: AdmitOptions,
  { environment }: Pick<CommandContext, 'environment'>,
): Promise<Result<undefined>> {
  // planJob() admits each job again, with its notices.
  const silent = { environment, warn: () => undefined };
  const refusals: string[] = [];
  for (const choice of choices) {
    const admitted = await admitJobHere(choice, options, silent);
    if (!admitted.ok && !refusals.includes(admitted.error)) refusals.push(admitted.error);
  }
  return refusals.length === 0 ? accept(undefined) : refuse(refusals.join('\n'));
}
