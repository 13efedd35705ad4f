/** A merge remote over plain git: any URL or path that git can fetch from and push to. It needs no clone. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { CommandResult } from '../system/run-process.js';
import { gitReason, type Environment } from '../git/git.js';
import { GateRepo } from './gate-repo.js';
import type { MergeRemote, Relation } from './merge-remote.js';
import { isRemoteWord, removeCredentials } from './remote-url.js';

export interface GitRemoteOptions {
  /** a URL, or the absolute path of a repository on this machine */
  readonly remote: string;
  readonly environment: Environment;
  /** sent to the host of an https URL */
  readonly token?: string;
  /** the commit that may be merged: it is fetched together with the target */
  readonly candidate?: CommitHash;
  /** time limit of each git command; 300 unless set */
  readonly limitSeconds?: number;
}

export function gitRemote({
  remote,
  environment,
  token,
  candidate,
  limitSeconds = 300,
}: GitRemoteOptions): MergeRemote {
  const repo = new GateRepo({
    ...{ url: remote, environment, limitSeconds, isSha256: candidate?.length === 64 },
    ...(token !== undefined && { token }),
  });
  const name = removeCredentials(remote);
  /** the branch of each tip that was read */
  const branchOf = new Map<CommitHash, string>();
  const hint = isRemoteWord(remote) ? '; pass a URL: the names of remotes in .git/config are not read' : '';
  const readTip = async (branch: string): Promise<Result<CommitHash | undefined>> => {
    const ref = `refs/heads/${branch}`;
    const read = await repo.readRef(ref);
    if (!read.ok)
      return refuse(`cannot read ${ref} of ${quote(name)}: ${removeCredentials(read.error)}${hint}`);
    if (read.value === undefined) return accept(undefined);
    const tip = parseCommitHash(read.value);
    if (tip.ok) branchOf.set(tip.value, branch);
    return tip;
  };
  const fetch = async (commits: readonly CommitHash[]): Promise<Result<undefined>> => {
    const fetched = await repo.fetch(commits, [...new Set(branchOf.values())]);
    return fetched.ok ? fetched : refuse(`${removeCredentials(fetched.error)}, from ${quote(name)}`);
  };
  /** Fetches the candidate as well, so that one fetch is enough. A missing candidate is reported when it is compared. */
  const fetchTip = async (tip: CommitHash): Promise<Result<undefined>> => {
    const both = candidate === undefined ? [tip] : [tip, candidate];
    const fetched = await fetch(both);
    return fetched.ok || (await repo.has(tip)) ? accept(undefined) : fetched;
  };
  return {
    name,
    readTip,
    readFile: async (commit, path) => {
      const fetched = await fetchTip(commit);
      if (!fetched.ok) return fetched;
      const because = (end: CommandResult) =>
        refuse(`cannot read ${quote(path)} at ${commit} of ${quote(name)}: ${describeEnd(end)}`);
      const listed = await repo.git('ls-tree', '-z', '--full-tree', commit, '--', path);
      if (listed.status !== 0) return because(listed);
      const [, mode, blob] = /^(\d{6}) blob ([0-9a-f]+)\t/.exec(listed.stdout) ?? [];
      // 120000 is a link: what it names is no rule.
      if (blob === undefined || mode === '120000') return accept(undefined);
      const shown = await repo.git('cat-file', 'blob', blob);
      return shown.status === 0 ? accept(shown.stdout) : because(shown);
    },
    relation: async (tip, commit) => {
      const fetched = await fetch([tip, commit]);
      if (!fetched.ok) return refuse(`cannot compare ${commit} with ${tip}: ${fetched.error}`);
      return readRelation(tip, commit, (a, b) => repo.git('merge-base', '--is-ancestor', a, b));
    },
    fastForward: async (branch, commit) => {
      const pushed = await repo.push(commit, branch);
      if (pushed.status === 0) return { kind: 'moved' };
      // git-push(1), --porcelain: "! <from>:<to> <summary> (<reason>)".
      const refused = pushed.stdout.split('\n').find((line) => line.startsWith('!'));
      const reason = refused?.split('\t').slice(2).join(' ') ?? describeEnd(pushed);
      // The remote may still complete a push that was killed here, or that it has not reported on.
      const isUnknown = pushed.status === undefined || reason.startsWith('[remote failure]');
      return { kind: isUnknown ? 'unknown' : 'refused', reason };
    },
    close: () => repo.close(),
  };
}

const describeEnd = (end: CommandResult): string => removeCredentials(gitReason(end));

async function readRelation(
  tip: CommitHash,
  commit: CommitHash,
  isAncestor: (a: CommitHash, b: CommitHash) => Promise<CommandResult>,
): Promise<Result<Relation>> {
  const forward = await isAncestor(tip, commit);
  if (forward.status === 0) return accept('ahead');
  const backward = await isAncestor(commit, tip);
  if (backward.status === 0) return accept('contained');
  if (forward.status === 1 && backward.status === 1) return accept('diverged');
  return refuse(`cannot compare ${commit} with ${tip}: ${describeEnd(forward)}`);
}
