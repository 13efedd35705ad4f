/** The interface to the repository whose target branch the gate moves: by plain git, or by GitHub's API. */
import type { CommitHash } from '../../model/name.js';
import type { Result } from '../../model/result.js';

/** How a commit relates to the target's tip: ahead of it, contained in its history, or neither. */
export type Relation = 'ahead' | 'contained' | 'diverged';

/** The result of an update. */
export type Update =
  | { readonly kind: 'moved' }
  /** nothing changed; `reason` is the remote's text */
  | { readonly kind: 'refused'; readonly reason: string }
  /** no clear answer: the update may have happened, or may still happen */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface MergeRemote {
  /** how messages name it; without credentials */
  readonly name: string;
  /** Returns the commit that a branch points at, or undefined if there is no such branch. */
  readTip(branch: string): Promise<Result<CommitHash | undefined>>;
  /** Returns the text of a file at a commit, or undefined if the commit has no such file. */
  readFile(commit: CommitHash, path: string): Promise<Result<string | undefined>>;
  /** Returns how a commit relates to the tip of the target. */
  relation(tip: CommitHash, commit: CommitHash): Promise<Result<Relation>>;
  /** Fast-forwards the branch to a commit, or changes nothing. Never forces. */
  fastForward(branch: string, commit: CommitHash): Promise<Update>;
  /** Removes what was fetched. */
  close?(): Promise<void>;
}
