/** Finds the commit that may be merged. Never asks the checkout: a task can commit there and move a branch. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { CommandContext } from '../system/command-context.js';
import { findTestedCommit, type RunOptions } from './tested-commit.js';

/** What is known of the candidate. */
export interface Candidate {
  /** undefined: nothing says which commit was tested */
  readonly commit: CommitHash | undefined;
  readonly branch?: string;
}

/** Says that the candidate is not known. */
export const describeNoCandidate = (target: string): string =>
  `cannot merge into ${quote(target)}: nothing says which commit was tested. Pass --commit HASH; ` +
  'what is checked out here is not asked, since a job can change it';

/** Returns the commit of `--commit`, else of the CI host, else of the jobs that ran here for the same run. */
export async function findCandidate(
  options: RunOptions & { readonly commit?: string },
  context: CommandContext,
): Promise<Result<Candidate>> {
  const { GITHUB_ACTIONS, GITHUB_SHA = '' } = context.environment;
  const isNamed = options.commit !== undefined;
  const named = options.commit ?? (GITHUB_ACTIONS === 'true' && GITHUB_SHA !== '' ? GITHUB_SHA : undefined);
  const parsed = named === undefined ? undefined : parseCandidate(named, isNamed ? '--commit' : 'GITHUB_SHA');
  if (parsed?.ok === false) return parsed;
  const tested = await findTestedCommit(options, context);
  if (parsed === undefined) return tested.ok ? accept({ commit: undefined, ...tested.value }) : tested;
  const branch = tested.ok ? tested.value?.branch : undefined;
  return accept({ commit: parsed.value, ...(branch !== undefined && { branch }) });
}

/** Accepts a full hash only: to complete a short one, or to look up a branch, the checkout would have to be asked. */
function parseCandidate(text: string, what: string): Result<CommitHash> {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) {
    return refuse(
      `cannot accept ${what} ${quote(text)}: it must be the full hash of a commit, 40 or 64 hexadecimal digits`,
    );
  }
  return parseCommitHash(text, what);
}
