/** The repo whose target branch the gate moves, behind one interface: plain git, or GitHub's API. */
import type { CommitHash } from '../../model/name.js';
import type { Result } from '../../model/result.js';

/** How a commit lies to the target's tip. */
export type Relation = 'ahead' | 'contained' | 'diverged';

/** What an update came to, as far as its answer tells. */
export type Update =
  | { readonly kind: 'moved' }
  /** nothing was changed; `reason` is the remote's own */
  | { readonly kind: 'refused'; readonly reason: string }
  /** no answer, or one that does not tell: it may have been done, or be done yet */
  | { readonly kind: 'unknown'; readonly reason: string };

/** A refusal's text is the remote's own last word on it. */
export interface MergeRemote {
  /** for messages */
  readonly name: string;
  /** the commit that a branch points at; undefined where there is no such branch */
  readTip(branch: string): Promise<Result<CommitHash | undefined>>;
  /** a file of the repo's root at a commit; undefined where there is none */
  readFile(commit: CommitHash, path: string): Promise<Result<string | undefined>>;
  relation(tip: CommitHash, commit: CommitHash): Promise<Result<Relation>>;
  /** Moves the branch forward to a commit, or changes nothing: never with force. */
  fastForward(branch: string, commit: CommitHash): Promise<Update>;
}
