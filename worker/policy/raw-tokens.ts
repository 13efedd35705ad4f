/** Says which tokens the tasks of a job on the raw machine can read, although they are not in the tasks' environment. */
import { quote } from '../../model/result.js';
import type { JobDeclaration } from '../config/job-declaration.js';

export interface TokenSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--token-file` */
  readonly tokenFile?: string;
}

/** A token that can move the target branch. */
const mergeToken = 'SOIL_GITHUB_API_TOKEN';
const tokens = ['SOIL_TOKEN', mergeToken, 'GITHUB_TOKEN', 'GH_TOKEN'];

const isSet = ({ environment }: TokenSources, name: string): boolean => (environment[name] ?? '') !== '';

/**
 * Returns a notice if a task can find a token. Linux shows the environment of each process to all processes of the same
 * user (`/proc/PID/environ`), as it was when the process started: nothing that the worker does takes it back.
 */
export function describeRawTokens(job: JobDeclaration, sources: TokenSources): readonly string[] {
  const found = [
    ...tokens.filter((name) => isSet(sources, name)),
    ...(sources.tokenFile === undefined ? [] : [`the token file ${quote(sources.tokenFile, 300)}`]),
  ];
  if (found.length === 0) return [];
  return [
    `tasks of job ${quote(job.name)} run on this machine as your user and can read ${found.join(', ')}; ` +
      `to keep it from them, run "soil-worker announce ${job.name}" and "soil-worker publish ${job.name}" ` +
      'with the token in steps before and after, and this step without it',
  ];
}

/** Returns a refusal if a task could read a token with which it can move the target branch. */
export function refuseMergeToken(job: JobDeclaration, sources: TokenSources): readonly string[] {
  if (!isSet(sources, mergeToken)) return [];
  return [
    `cannot run and publish job ${quote(job.name)} on the raw machine with ${mergeToken} set: its tasks could read the ` +
      'token and move the target branch. Set it only for the step of "soil-worker maybe-merge"',
  ];
}
