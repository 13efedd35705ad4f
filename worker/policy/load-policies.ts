/** Reads the policies that hold for the jobs of one command. */
import { accept, refuse, type Result } from '../../model/result.js';
import type { CommandContext } from '../system/command-context.js';
import { checkPublishing } from './check-job.js';
import { readGithubEvent } from './github-event.js';
import { readPolicies } from './policy-file.js';
import type { PolicySource } from './policy.js';
import { choosePolicies } from './untrusted.js';

export interface TrustOptions {
  /** true: the jobs are untrusted; false: they are trusted, whatever the event; absent: the event decides */
  readonly untrusted?: boolean;
}

/** Returns the policies for the jobs of a repo. Every one of them must allow what a job asks for. */
export async function loadPolicies(
  { untrusted }: TrustOptions,
  command: Pick<CommandContext, 'environment' | 'warn'>,
  repo: string,
): Promise<Result<readonly PolicySource[]>> {
  const { environment } = command;
  const files = await readPolicies({ environment, repo });
  if (!files.ok) return files;
  // planJob() warns about an event file that cannot be read.
  const githubEvent = await readGithubEvent({ environment, warn: () => undefined });
  return choosePolicies({
    ...{ environment, files: files.value },
    ...(untrusted !== undefined && { option: untrusted }),
    ...(githubEvent !== undefined && { githubEvent }),
  });
}

/** Refuses to publish if a policy file forbids it. `action` completes "cannot ...". */
export async function admitPublishing(
  action: string,
  repo: string,
  { environment }: Pick<CommandContext, 'environment'>,
): Promise<Result<undefined>> {
  const files = await readPolicies({ environment, repo });
  if (!files.ok) return files;
  const refusals = checkPublishing(action, files.value);
  return refusals.length === 0 ? accept(undefined) : refuse(refusals.join('\n'));
}
