/** Runs git without prompts, and reads the repository and its HEAD. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { failureReason, runProcess, type CommandResult } from './run-process.js';
import { withoutHidden } from './hidden-variables.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GitOptions {
  readonly environment: Environment;
  readonly cwd?: string;
  /** 60 by default */
  readonly timeoutSeconds?: number;
  readonly cancel?: AbortSignal;
  /** see ProcessOptions */
  readonly maxOutputBytes?: number;
}

/**
 * Runs git in a folder. Removes variables that would point it at another repo (`GIT_DIR` of a hook), and prevents prompts
 * for passwords and host keys. Disables hooks: a task could write one into the repo's configuration, and it would run
 * outside the task's container.
 */
export function runGit(args: readonly string[], options: GitOptions): Promise<CommandResult> {
  return runProcess('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', ...args], {
    environment: gitEnvironment(options.environment),
    timeoutSeconds: options.timeoutSeconds ?? 60,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.maxOutputBytes !== undefined && { maxOutputBytes: options.maxOutputBytes }),
    ...(options.cancel !== undefined && { cancel: options.cancel }),
  });
}

/**
 * Returns why git failed: the last two lines before its advice (`Please make sure you have the correct access rights and
 * the repository exists.`). Two, since ssh prints its reason before git's.
 */
export function gitReason(result: CommandResult): string {
  const [reason = ''] = result.stderr.split(/^Please make sure you have/m);
  const lines = reason
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  return result.failure === undefined && lines.length > 0
    ? lines.slice(-2).join('; ')
    : failureReason(result);
}

/**
 * Runs a git command that only reads a repo, regardless of the user who owns it. Tasks can write to the repo, so git
 * runs no program and contacts no remote that the repo's configuration names, and gets no token.
 */
export function readGit(args: readonly string[], options: GitOptions): Promise<CommandResult> {
  const environment = {
    ...withoutHidden(options.environment),
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
  };
  return runGit(['-c', 'safe.directory=*', ...args], { ...options, environment });
}

const locationVariables = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_CEILING_DIRECTORIES',
  'GIT_QUARANTINE_PATH',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_TRACE',
];

/** Soil's own tokens, which git does not need. */
const ownTokens = ['SOIL_TOKEN', 'SOIL_GITHUB_API_TOKEN'];

function gitEnvironment(environment: Environment): Environment {
  const removed = [...locationVariables, ...ownTokens];
  const passed = Object.entries(environment).filter(([name]) => !removed.includes(name));
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...Object.fromEntries(passed),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: environment.GIT_ASKPASS ?? 'false',
    // Replacements and grafts must not change which commit is an ancestor of which.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
  };
}

/** The commit that is checked out. All fields are absent outside a repo. */
export interface GitHead {
  readonly commit?: CommitHash;
  /** the committer date, ISO 8601 with a time zone */
  readonly commitDate?: string;
  readonly commitLine?: string;
  /** absent on a detached HEAD */
  readonly branch?: string;
}

/**
 * Returns the root of the repo that a folder is in, or undefined. A root without `.git` is rejected: a task can set
 * `core.worktree` to any folder of the machine, and the next container would mount that folder.
 */
export async function findRepo(folder: string, environment: Environment): Promise<string | undefined> {
  const end = await readGit(['rev-parse', '--show-toplevel'], { environment, cwd: folder });
  if (end.status !== 0) return undefined;
  const root = end.stdout.replace(/\n$/, '');
  return access(join(root, '.git')).then(
    () => root,
    () => undefined,
  );
}

/** Reads the commit and the branch of HEAD. */
export async function readGitHead(repo: string, environment: Environment): Promise<GitHead> {
  const options = { environment, cwd: repo };
  const [log, head] = await Promise.all([
    readGit(['log', '-1', '--no-show-signature', '--format=%H%x00%cI%x00%s', 'HEAD'], options),
    readGit(['symbolic-ref', '--short', '--quiet', 'HEAD'], options),
  ]);
  const branch = head.stdout.trim();
  const [hash = '', commitDate = '', commitLine = ''] = log.stdout.replace(/\n$/, '').split('\0');
  const commit = parseCommitHash(hash);
  return {
    ...(log.status === 0 && commit.ok && { commit: commit.value, commitDate, commitLine }),
    ...(head.status === 0 && branch !== '' && { branch }),
  };
}

/**
 * Returns the full hash of the commit that `--commit` names, or of HEAD without it. Commit statuses are found by the
 * full hash only.
 */
export async function resolveCommit(
  named: string | undefined,
  head: GitHead,
  { repo, environment }: { readonly repo: string; readonly environment: Environment },
): Promise<Result<CommitHash>> {
  if (named === undefined) {
    return head.commit === undefined
      ? refuse(`cannot determine the commit: no commit is checked out in ${quote(repo, 300)}; pass --commit`)
      : accept(head.commit);
  }
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(named)) return parseCommitHash(named, '--commit');
  if (named.startsWith('-')) return refuse(`cannot accept --commit ${quote(named)}: it starts with "-"`);
  const found = await runGit(['rev-parse', '--verify', '--quiet', `${named}^{commit}`], {
    environment,
    cwd: repo,
  });
  const commit = parseCommitHash(found.stdout.trim());
  return found.status === 0 && commit.ok
    ? commit
    : refuse(`cannot accept --commit ${quote(named)}: no such commit in this repo`);
}
