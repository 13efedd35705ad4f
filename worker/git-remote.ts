/** A merge remote by plain git, from within a clone that has the candidate: any URL or path that git can push to. */
import { parseCommitHash, type CommitHash } from '../model/name.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { gitReason, runGit, type Environment } from './git.js';
import type { MergeRemote, Relation } from './merge-remote.js';

export interface GitRemoteOptions {
  /** a clone that has the candidate commit and its history */
  readonly repo: string;
  readonly remote: string;
  readonly environment: Environment;
}

export function gitRemote({ repo, remote, environment }: GitRemoteOptions): MergeRemote {
  const git = (...args: string[]) => runGit(args, { environment, cwd: repo, timeoutSeconds: 300 });
  const readTip = async (branch: string): Promise<Result<CommitHash | undefined>> => {
    const ref = `refs/heads/${branch}`;
    const listed = await git('ls-remote', '--', remote, ref);
    if (listed.status !== 0) return refuse(`cannot read ${ref} of ${quote(remote)}: ${gitReason(listed)}`);
    // A pattern matches from the end of a ref's path: only the line of exactly this ref counts.
    const line = listed.stdout.split('\n').find((l) => l.endsWith(`\t${ref}`));
    return line === undefined ? accept(undefined) : parseCommitHash(line.split('\t')[0] ?? '');
  };
  /** Brings the target's history into the clone; the objects only, no ref. */
  const fetchTip = async (commit: CommitHash): Promise<Result<undefined>> => {
    const known = await git('cat-file', '-e', `${commit}^{commit}`);
    if (known.status === 0) return accept(undefined);
    const fetched = await git('fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', remote, commit);
    if (fetched.status === 0) return accept(undefined);
    // An old server gives branches only, not commits.
    const all = await git(
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--',
      remote,
      'refs/heads/*',
    );
    return all.status === 0
      ? accept(undefined)
      : refuse(`cannot fetch ${commit} from ${quote(remote)}: ${gitReason(all)}`);
  };
  return {
    name: remote,
    readTip,
    readFile: async (commit, path) => {
      const fetched = await fetchTip(commit);
      if (!fetched.ok) return fetched;
      const there = await git('cat-file', '-e', `${commit}:${path}`);
      if (there.status !== 0) return accept(undefined);
      const shown = await git('cat-file', 'blob', `${commit}:${path}`);
      return shown.status === 0
        ? accept(shown.stdout)
        : refuse(`cannot read ${quote(path)} at ${commit}: ${gitReason(shown)}`);
    },
    relation: async (tip, commit) => {
      const fetched = await fetchTip(tip);
      if (!fetched.ok) return fetched;
      return relationIn(tip, commit, (a, b) => git('merge-base', '--is-ancestor', a, b));
    },
    fastForward: async (branch, commit) => {
      const pushed = await git('push', '--porcelain', '--', remote, `${commit}:refs/heads/${branch}`);
      if (pushed.status === 0) return accept(undefined);
      // git-push(1), --porcelain: "! <from>:<to> <summary> (<reason>)".
      const refused = pushed.stdout.split('\n').find((line) => line.startsWith('!'));
      return refuse(refused?.split('\t').slice(2).join(' ') ?? gitReason(pushed));
    },
  };
}

async function relationIn(
  tip: CommitHash,
  commit: CommitHash,
  isAncestor: (a: CommitHash, b: CommitHash) => ReturnType<typeof runGit>,
): Promise<Result<Relation>> {
  const forward = await isAncestor(tip, commit);
  if (forward.status === 0) return accept('ahead');
  const backward = await isAncestor(commit, tip);
  if (backward.status === 0) return accept('contained');
  if (forward.status === 1 && backward.status === 1) return accept('diverged');
  return refuse(
    `cannot compare ${commit} with ${tip}: ${gitReason(forward)} (a shallow clone has no history: fetch it whole)`,
  );
}
