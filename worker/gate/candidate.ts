/** Finds the commit that may be merged. Never asks the checkout: a task can commit there and move a branch. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { CommandContext } from '../system/command-context.js';

/** What is known of the candidate. */
export interface Candidate {
  /** undefined: nothing says which commit was tested */
  readonly commit: CommitHash | undefined;
  readonly branch?: string;
}

export const noCandidate =
  'cannot determine the candidate: pass --commit HASH. What is checked out here is not asked, since a job can change it';

/** Returns the commit of `--commit`, else of the CI host, else of the jobs that ran here for the same run. */
export function findCandidate(
  { commit }: { readonly commit?: string },
  { environment }: CommandContext,
): Result<Candidate> {
  if (commit !== undefined) return parseCandidate(commit, '--commit');
  if (environment.GITHUB_ACTIONS === 'true' && (environment.GITHUB_SHA ?? '') !== '') {
    return parseCandidate(environment.GITHUB_SHA ?? '', 'GITHUB_SHA');
  }
  return accept({ commit: undefined });
}

/** Accepts a full hash only: to complete a short one, or to look up a branch, the checkout would have to be asked. */
function parseCandidate(text: string, what: string): Result<Candidate> {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) {
    return refuse(
      `cannot accept ${what} ${quote(text)}: it must be the full hash of a commit, 40 or 64 hexadecimal digits`,
    );
  }
  const commit = parseCommitHash(text, what);
  return commit.ok ? accept({ commit: commit.value }) : commit;
}
