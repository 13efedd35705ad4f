/** Runs git without any chance that it waits for a person: arguments in, its end out. Also: what git knows of a repo. */
import { parseCommitHash, type CommitHash } from '../model/name.js';
import { runCommand, type CommandEnd } from './command.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GitOptions {
  readonly environment: Environment;
  readonly cwd?: string;
  /** 60 unless told otherwise */
  readonly timeoutSeconds?: number;
  readonly cancel?: AbortSignal;
}

/**
 * git in a given folder. Variables that would point it at another repo (a hook's `GIT_DIR`) are taken away; it may ask
 * for no password and no host key, and run no hook of the machine's.
 */
export function runGit(args: readonly string[], options: GitOptions): Promise<CommandEnd> {
  return runCommand('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
    environment: gitEnvironment(options.environment),
    timeoutSeconds: options.timeoutSeconds ?? 60,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.cancel !== undefined && { cancel: options.cancel }),
  });
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

function gitEnvironment(environment: Environment): Environment {
  const kept = Object.entries(environment).filter(([name]) => !placeVariables.includes(name));
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...Object.fromEntries(kept),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: environment.GIT_ASKPASS ?? 'false',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
  };
}

/** What git knows of the commit that is checked out; everything is absent where there is no repo. */
export interface GitFacts {
  readonly commit?: CommitHash;
  /** the committer's date, ISO 8601 with its zone */
  readonly commitDate?: string;
  readonly commitLine?: string;
  /** absent on a detached HEAD */
  readonly branch?: string;
}

/** A repo may belong to another user than the worker's (a bind mount, sudo): reading its HEAD runs nothing of its own. */
const anyOwner = ['-c', 'safe.directory=*'];

/** The root of the repo that a folder is in; undefined where it is in none. */
export async function findRepo(folder: string, environment: Environment): Promise<string | undefined> {
  const end = await runGit([...anyOwner, 'rev-parse', '--show-toplevel'], { environment, cwd: folder });
  return end.status === 0 ? end.stdout.replace(/\n$/, '') : undefined;
}

export async function readGitFacts(repo: string, environment: Environment): Promise<GitFacts> {
  const options = { environment, cwd: repo };
  const [log, head] = await Promise.all([
    runGit([...anyOwner, 'log', '-1', '--no-show-signature', '--format=%H%x00%cI%x00%s', 'HEAD'], options),
    runGit([...anyOwner, 'symbolic-ref', '--short', '--quiet', 'HEAD'], options),
  ]);
  const branch = head.stdout.trim();
  const [hash = '', commitDate = '', commitLine = ''] = log.stdout.replace(/\n$/, '').split('\0');
  const commit = parseCommitHash(hash);
  return {
    ...(log.status === 0 && commit.ok && { commit: commit.value, commitDate, commitLine }),
    ...(head.status === 0 && branch !== '' && { branch }),
  };
}
