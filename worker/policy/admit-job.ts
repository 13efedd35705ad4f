/** Admits a job to this machine, or says everything that the policies refuse. */
import { accept, refuse, type Result } from '../../model/result.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { checkJob, checkPublishing, checkRawPublishing } from './check-job.js';
import type { PolicySource } from './policy.js';
import { describeRawTokens, refuseMergeToken, type TokenSources } from './raw-tokens.js';

export interface AdmissionOptions extends TokenSources {
  readonly policies: readonly PolicySource[];
  readonly repo: string;
  /** the same command publishes the results */
  readonly publishes: boolean;
  /** receives a sentence about a job that may run */
  readonly notice: (text: string) => void;
}

/** Returns the job as it may run: an untrusted one isolated, its tasks one after another. Or every refusal, one a line. */
export function admitJob(job: JobDeclaration, options: AdmissionOptions): Result<JobDeclaration> {
  const { policies, publishes, notice } = options;
  const isRaw = job.image.kind === 'none';
  const refusals = [
    ...checkJob(job, policies, options),
    ...(publishes ? checkPublishing(`publish job "${job.name}"`, policies) : []),
    ...(publishes && isRaw ? checkRawPublishing(job, policies) : []),
    ...(publishes && isRaw ? refuseMergeToken(job, options) : []),
  ];
  if (refusals.length > 0) return refuse(refusals.join('\n'));
  if (isRaw) describeRawTokens(job, options).forEach(notice);
  return accept(policies.some(({ origin }) => origin.kind === 'untrusted') ? isolate(job) : job);
}

/** Tasks in parallel cannot be isolated from each other. */
function isolate(job: JobDeclaration): JobDeclaration {
  const alone: { -readonly [K in keyof JobDeclaration]: JobDeclaration[K] } = { ...job, isolate: true };
  delete alone.parallel;
  return { ...alone, isolate: true };
}
