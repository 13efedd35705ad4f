/** Runs git without any chance that it waits for a person: arguments in, its end out. Also: what git knows of a repo. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { failureReason, runProcess, type CommandResult } from './run-process.js';
import { credentialVariables } from './credentials.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GitOptions {
  readonly environment: Environment;
  readonly cwd?: string;
  /** 60 unless told otherwise */
  readonly timeoutSeconds?: number;
  readonly cancel?: AbortSignal;
  /** see CommandOptions */
  readonly maxOutputBytes?: number;
}

/**
 * git in a given folder. Variables that would point it at another repo (a hook's `GIT_DIR`) are taken away; it may ask
 * for no password and no host key, and run no hook: neither the machine's nor one that a task has left in the repo's
 * own configuration, which would be out of its container then.
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
 * Why git failed. Its last lines are advice (`Please make sure you have the correct access rights and the repository
 * exists.`): the reason stands before them, ssh's own before git's.
 */
export function gitReason(end: CommandResult): string {
  const [said = ''] = end.stderr.split(/^Please make sure you have/m);
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  return end.failure === undefined && lines.length > 0 ? lines.slice(-2).join('; ') : failureReason(end);
}

/**
 * Reads a repo that tasks could write to, whoever owns it: nothing that its configuration names is run or asked, and no
 * token is in reach.
 */
export function readGit(args: readonly string[], options: GitOptions): Promise<CommandResult> {
  const kept = Object.entries(options.environment).filter(([name]) => !credentialVariables.includes(name));
  const environment = { ...Object.fromEntries(kept), GIT_ALLOW_PROTOCOL: 'none', GIT_NO_LAZY_FETCH: '1' };
  return runGit(['-c', 'safe.directory=*', ...args], { ...options, environment });
}

const placeVariables = [
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

/** Soil's own, of which git has no use. */
const ownTokens = ['SOIL_TOKEN', 'SOIL_GITHUB_API_TOKEN'];

function gitEnvironment(environment: Environment): Environment {
  const unwanted = [...placeVariables, ...ownTokens];
  const kept = Object.entries(environment).filter(([name]) => !unwanted.includes(name));
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...Object.fromEntries(kept),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: environment.GIT_ASKPASS ?? 'false',
    // The history is the commits' own: neither replacements nor grafts may make a commit follow from another.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
  };
}

/** What git knows of the commit that is checked out; everything is absent where there is no repo. */
export interface GitHead {
  readonly commit?: CommitHash;
  /** the committer's date, ISO 8601 with its zone */
  readonly commitDate?: string;
  readonly commitLine?: string;
  /** absent on a detached HEAD */
  readonly branch?: string;
}

/**
 * The root of the repo that a folder is in; undefined where it is in none. What has no `.git` is no root: a task can have
 * named any folder of the machine as the working tree, and the next container would get that one.
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
