/** A merge remote over plain git, run in a clone that has the candidate: any URL or path that git can push to. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { CommandResult } from '../system/run-process.js';
import { gitReason, runGit, transports, type Environment } from '../git/git.js';
import type { MergeRemote, Relation } from './merge-remote.js';

export interface GitRemoteOptions {
  /** a clone that has the candidate commit and its history */
  readonly repo: string;
  readonly remote: string;
  readonly environment: Environment;
  /** time limit of each git command; 300 unless set */
  readonly limitSeconds?: number;
}

export function gitRemote({ repo, remote, environment, limitSeconds = 300 }: GitRemoteOptions): MergeRemote {
  const git = (...args: string[]) =>
    runGit(args, { environment, cwd: repo, timeoutSeconds: limitSeconds, transports });
  const name = removeCredentials(remote);
  /** the branch of each tip that was read */
  const branchOf = new Map<CommitHash, string>();
  const readTip = async (branch: string): Promise<Result<CommitHash | undefined>> => {
    const ref = `refs/heads/${branch}`;
    const listed = await git('ls-remote', '--', remote, ref);
    if (listed.status !== 0) return refuse(`cannot read ${ref} of ${quote(name)}: ${describeEnd(listed)}`);
    // ls-remote matches patterns at the end of a ref, so other refs may be listed, too.
    const line = listed.stdout.split('\n').find((l) => l.endsWith(`\t${ref}`));
    if (line === undefined) return accept(undefined);
    const tip = parseCommitHash(line.split('\t')[0] ?? '');
    if (tip.ok) branchOf.set(tip.value, branch);
    return tip;
  };
  /** Fetches objects without writing any ref. */
  const fetch = (...what: string[]) =>
    git('fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', ...what);
  /** Makes sure that the clone has the history of `commit`. */
  const fetchTip = async (commit: CommitHash): Promise<Result<undefined>> => {
    const known = await git('cat-file', '-e', `${commit}^{commit}`);
    if (known.status === 0) return accept(undefined);
    const fetched = await fetch('--', remote, commit);
    if (fetched.status === 0) return accept(undefined);
    // An old server serves branches only, and the branch may have moved since.
    const branch = branchOf.get(commit);
    if (branch !== undefined) await fetch('--', remote, `refs/heads/${branch}`);
    const found = await git('cat-file', '-e', `${commit}^{commit}`);
    return found.status === 0
      ? accept(undefined)
      : refuse(`cannot fetch ${commit} from ${quote(name)}: ${describeEnd(fetched)}`);
  };
  /** Fetches the missing history of a shallow clone. Returns whether the clone was shallow. */
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
    const why = fetched.status === 0 ? 'the remote is shallow, too' : describeEnd(fetched);
    return refuse(
      `cannot compare with ${tip}: this clone is shallow, and fetching its history failed: ${why}`,
    );
  };
  return {
    name,
    readTip,
    readFile: async (commit, path) => {
      const fetched = await fetchTip(commit);
      if (!fetched.ok) return fetched;
      const found = await git('cat-file', '-e', `${commit}:${path}`);
      if (found.status !== 0) return accept(undefined);
      const shown = await git('cat-file', 'blob', `${commit}:${path}`);
      return shown.status === 0
        ? accept(shown.stdout)
        : refuse(`cannot read ${quote(path)} at ${commit}: ${describeEnd(shown)}`);
    },
    relation: async (tip, commit) => {
      const fetched = await fetchTip(tip);
      if (!fetched.ok) return fetched;
      const known = await git('cat-file', '-e', `${commit}^{commit}`);
      if (known.status !== 0)
        return refuse(`cannot compare ${commit} with ${tip}: this clone does not have ${commit}`);
      const compare = () => readRelation(tip, commit, (a, b) => git('merge-base', '--is-ancestor', a, b));
      const seen = await compare();
      if (!seen.ok || seen.value !== 'diverged') return seen;
      // In a shallow clone the common history may be cut off.
      const deepened = await deepen(tip);
      if (!deepened.ok) return deepened;
      return deepened.value ? compare() : seen;
    },
    fastForward: async (branch, commit) => {
      // Overrides push.followTags and push.recurseSubmodules: nothing but this branch may be pushed.
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
      const reason = refused?.split('\t').slice(2).join(' ') ?? describeEnd(pushed);
      // The remote may still complete a push that was killed here, or that it has not reported on.
      const isUnknown = pushed.status === undefined || reason.startsWith('[remote failure]');
      return { kind: isUnknown ? 'unknown' : 'refused', reason };
    },
  };
}

/**
 * Returns the push URL of a named remote if it differs from its fetch URL, and otherwise the name: the branch that is
 * moved must be the branch that was read. Refuses a remote with several push URLs.
 */
export async function resolvePushUrl({
  repo,
  remote,
  environment,
}: GitRemoteOptions): Promise<Result<string>> {
  const urls = async (...which: string[]) => {
    const end = await runGit(['remote', 'get-url', ...which, '--', remote], { environment, cwd: repo });
    return end.status === 0 ? end.stdout.split('\n').filter((line) => line !== '') : [];
  };
  const [first, ...more] = await urls('--push', '--all');
  // No remote has that name, so it is a URL or a path.
  if (first === undefined) return accept(remote);
  if (more.length > 0) {
    return refuse(
      `cannot merge into remote ${quote(remote)}: it has ${more.length + 1} push URLs; pass one of them instead`,
    );
  }
  return accept((await urls())[0] === first ? remote : first);
}

const describeEnd = (end: CommandResult): string => removeCredentials(gitReason(end));

/** Removes passwords and tokens from URLs, because messages are logged. */
const removeCredentials = (text: string): string => text.replace(/(https?:\/\/)[^/\s'"]*@/gi, '$1');

async function readRelation(
  tip: CommitHash,
  commit: CommitHash,
  isAncestor: (a: CommitHash, b: CommitHash) => ReturnType<typeof runGit>,
): Promise<Result<Relation>> {
  const forward = await isAncestor(tip, commit);
  if (forward.status === 0) return accept('ahead');
  const backward = await isAncestor(commit, tip);
  if (backward.status === 0) return accept('contained');
  if (forward.status === 1 && backward.status === 1) return accept('diverged');
  return refuse(`cannot compare ${commit} with ${tip}: ${describeEnd(forward)}`);
}
