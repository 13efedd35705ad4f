/** A merge remote by plain git, from within a clone that has the candidate: any URL or path that git can push to. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { CommandResult } from '../system/run-process.js';
import { gitReason, runGit, type Environment } from '../system/git.js';
import type { MergeRemote, Relation } from './merge-remote.js';

export interface GitRemoteOptions {
  /** a clone that has the candidate commit and its history */
  readonly repo: string;
  readonly remote: string;
  readonly environment: Environment;
  /** after so long a git command is given up; 300 unless told otherwise */
  readonly limitSeconds?: number;
}

export function gitRemote({ repo, remote, environment, limitSeconds = 300 }: GitRemoteOptions): MergeRemote {
  const git = (...args: string[]) => runGit(args, { environment, cwd: repo, timeoutSeconds: limitSeconds });
  const name = withoutCredential(remote);
  /** under which branch a tip was seen */
  const branchOf = new Map<CommitHash, string>();
  const readTip = async (branch: string): Promise<Result<CommitHash | undefined>> => {
    const ref = `refs/heads/${branch}`;
    const listed = await git('ls-remote', '--', remote, ref);
    if (listed.status !== 0) return refuse(`cannot read ${ref} of ${quote(name)}: ${whyOf(listed)}`);
    // A pattern matches from the end of a ref's path: only the line of exactly this ref counts.
    const line = listed.stdout.split('\n').find((l) => l.endsWith(`\t${ref}`));
    if (line === undefined) return accept(undefined);
    const tip = parseCommitHash(line.split('\t')[0] ?? '');
    if (tip.ok) branchOf.set(tip.value, branch);
    return tip;
  };
  /** Objects only, no ref. */
  const fetch = (...what: string[]) =>
    git('fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', ...what);
  /** Brings the target's history into the clone. */
  const fetchTip = async (commit: CommitHash): Promise<Result<undefined>> => {
    const known = await git('cat-file', '-e', `${commit}^{commit}`);
    if (known.status === 0) return accept(undefined);
    const fetched = await fetch('--', remote, commit);
    if (fetched.status === 0) return accept(undefined);
    // An old server gives branches only, and the branch may have moved on from the commit.
    const branch = branchOf.get(commit);
    if (branch !== undefined) await fetch('--', remote, `refs/heads/${branch}`);
    const there = await git('cat-file', '-e', `${commit}^{commit}`);
    return there.status === 0
      ? accept(undefined)
      : refuse(`cannot fetch ${commit} from ${quote(name)}: ${whyOf(fetched)}`);
  };
  /** Brings the history that a shallow clone lacks; tells whether there was any to bring. */
  const deepen = async (tip: CommitHash): Promise<Result<boolean>> => {
    const isShallow = async () =>
      (await git('rev-parse', '--is-shallow-repository')).stdout.trim() === 'true';
    if (!(await isShallow())) return accept(false);
    const branch = branchOf.get(tip);
    const fetched = await fetch(
      '--unshallow',
      '--',
      remote,
      branch === undefined ? tip : `refs/heads/${branch}`,
    );
    if (fetched.status === 0 && !(await isShallow())) return accept(true);
    const why = fetched.status === 0 ? 'the remote is shallow itself' : whyOf(fetched);
    return refuse(
      `cannot compare anything with ${tip}: this clone is shallow, and its history cannot be fetched: ${why}`,
    );
  };
  return {
    name,
    readTip,
    readFile: async (commit, path) => {
      const fetched = await fetchTip(commit);
      if (!fetched.ok) return fetched;
      const there = await git('cat-file', '-e', `${commit}:${path}`);
      if (there.status !== 0) return accept(undefined);
      const shown = await git('cat-file', 'blob', `${commit}:${path}`);
      return shown.status === 0
        ? accept(shown.stdout)
        : refuse(`cannot read ${quote(path)} at ${commit}: ${whyOf(shown)}`);
    },
    relation: async (tip, commit) => {
      const fetched = await fetchTip(tip);
      if (!fetched.ok) return fetched;
      const known = await git('cat-file', '-e', `${commit}^{commit}`);
      if (known.status !== 0)
        return refuse(`cannot compare ${commit} with ${tip}: this clone does not have the former`);
      const compare = () => relationIn(tip, commit, (a, b) => git('merge-base', '--is-ancestor', a, b));
      const seen = await compare();
      if (!seen.ok || seen.value !== 'diverged') return seen;
      // A shallow clone sees no further than its edge, beyond which the two may well meet.
      const deepened = await deepen(tip);
      if (!deepened.ok) return deepened;
      return deepened.value ? compare() : seen;
    },
    fastForward: async (branch, commit) => {
      // This branch and nothing else, whatever push.followTags and push.recurseSubmodules say.
      const only = ['--no-follow-tags', '--no-recurse-submodules'];
      const pushed = await git(
        'push',
        '--porcelain',
        ...only,
        '--',
        remote,
        `${commit}:refs/heads/${branch}`,
      );
      if (pushed.status === 0) return { kind: 'moved' };
      // git-push(1), --porcelain: "! <from>:<to> <summary> (<reason>)".
      const refused = pushed.stdout.split('\n').find((line) => line.startsWith('!'));
      const reason = refused?.split('\t').slice(2).join(' ') ?? whyOf(pushed);
      // A push that was killed may go on at the other end; so may one whose remote has not reported.
      const isUntold = pushed.status === undefined || reason.startsWith('[remote failure]');
      return { kind: isUntold ? 'unknown' : 'refused', reason };
    },
  };
}

/**
 * Where a remote that is given by its name is pushed to, where that is not where it is fetched from: the branch that is
 * moved must be the branch that was read.
 */
export async function findPushPlace({
  repo,
  remote,
  environment,
}: GitRemoteOptions): Promise<Result<string>> {
  const urls = async (...which: string[]) => {
    const end = await runGit(['remote', 'get-url', ...which, '--', remote], { environment, cwd: repo });
    return end.status === 0 ? end.stdout.split('\n').filter((line) => line !== '') : [];
  };
  const [first, ...more] = await urls('--push', '--all');
  // No remote of that name: it is a URL or a path.
  if (first === undefined) return accept(remote);
  if (more.length > 0) {
    return refuse(
      `cannot merge into remote ${quote(remote)}: it is pushed to ${more.length + 1} places; name the URL of one`,
    );
  }
  return accept((await urls())[0] === first ? remote : first);
}

const whyOf = (end: CommandResult): string => withoutCredential(gitReason(end));

/** A URL may hold a password or a token, and messages end up in logs. */
const withoutCredential = (text: string): string => text.replace(/(https?:\/\/)[^/\s'"]*@/gi, '$1');

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
  return refuse(`cannot compare ${commit} with ${tip}: ${whyOf(forward)}`);
}
