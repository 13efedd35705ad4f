/** `--commit`, or what is checked out -> the whole hash of the commit that a command is about. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { runGit, type Environment, type GitHead } from '../system/git.js';

/** Always the whole hash, since a status must equal it to the letter. */
export async function resolveCommit(
  named: string | undefined,
  git: GitHead,
  { repo, environment }: { readonly repo: string; readonly environment: Environment },
): Promise<Result<CommitHash>> {
  if (named === undefined) {
    return git.commit === undefined
      ? refuse(`cannot tell the commit: git knows none in ${quote(repo, 300)}; name it with --commit`)
      : accept(git.commit);
  }
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(named)) return parseCommitHash(named, '--commit');
  if (named.startsWith('-'))
    return refuse(`cannot accept --commit ${quote(named)}: git takes it for an option`);
  const found = await runGit(['rev-parse', '--verify', '--quiet', `${named}^{commit}`], {
    environment,
    cwd: repo,
  });
  const commit = parseCommitHash(found.stdout.trim());
  return found.status === 0 && commit.ok
    ? commit
    : refuse(`cannot accept --commit ${quote(named)}: git knows no such commit`);
}
