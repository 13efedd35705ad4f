/** Makes every call of git on the worker's machine: with a fixed configuration, a clean environment and a time limit. */
import { failureReason, runProcess, type CommandResult } from '../system/run-process.js';
import { withoutHidden } from '../system/hidden-variables.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A key and a value of git's configuration. */
export type Setting = readonly [key: string, value: string];

export interface GitOptions {
  readonly environment: Environment;
  /** an absolute path; default: the root of the file system, so that git finds no repository by itself */
  readonly cwd?: string;
  /** 60 by default */
  readonly timeoutSeconds?: number;
  readonly cancel?: AbortSignal;
  /** see ProcessOptions */
  readonly maxOutputBytes?: number;
  /** variables of git itself, such as GIT_DIR; undefined removes one */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** settings that are added to the fixed ones, and replace them */
  readonly settings?: readonly Setting[];
  /**
   * How git may contact a repository that the user or the CI host named: not at all unless set. Then the variables by
   * which the user chose how to log in are passed on: GIT_SSH_COMMAND, GIT_ASKPASS, SSH_AUTH_SOCK.
   */
  readonly transports?: readonly Transport[];
}

/** The transports that start no program which a URL names. `ext::` and remote helpers are never allowed. */
export const transports = ['https', 'http', 'ssh', 'git', 'file'] as const;
export type Transport = (typeof transports)[number];

/** The oldest git with GIT_CONFIG_COUNT (2.31) and GIT_CONFIG_GLOBAL (2.32). Older ones ignore both without a word. */
const oldestGit = [2, 32] as const;

/**
 * Settings that make git start no program and ask no one. The configuration of a repository is not read at all, see
 * repo-view.ts, nor that of the user and the machine; these hold where git reads one all the same.
 */
const fixedSettings: readonly Setting[] = [
  ['safe.directory', '*'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.pager', 'cat'],
  ['core.editor', 'false'],
  ['core.askPass', 'false'],
  // A commit-graph and an index of several packs are caches: a forged one changes who is whose ancestor.
  ['core.commitGraph', 'false'],
  ['core.multiPackIndex', 'false'],
  ['credential.helper', ''],
  ['gpg.program', 'false'],
  ['log.showSignature', 'false'],
  ['commit.gpgSign', 'false'],
  ['push.gpgSign', 'false'],
  ['push.followTags', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['fetch.recurseSubmodules', 'false'],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['init.templateDir', ''],
  ['protocol.allow', 'never'],
];

/**
 * Runs git. Returns a failure, and starts nothing, if git is older than 2.32. The environment's PATH must have no folder
 * of a repo, as that of a CommandContext.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<CommandResult> {
  const tooOld = await findOldGit(options.environment);
  if (tooOld !== undefined) return { status: undefined, stdout: '', stderr: '', failure: tooOld };
  return startGit(args, options);
}

function startGit(args: readonly string[], options: GitOptions): Promise<CommandResult> {
  return runProcess('git', args, {
    environment: gitEnvironment(options),
    timeoutSeconds: options.timeoutSeconds ?? 60,
    cwd: options.cwd ?? '/',
    ...(options.maxOutputBytes !== undefined && { maxOutputBytes: options.maxOutputBytes }),
    ...(options.cancel !== undefined && { cancel: options.cancel }),
  });
}

/** The answers of `git --version`, by PATH. */
const versions = new Map<string, Promise<string | undefined>>();

/** Returns why git cannot be used, or undefined. A git that does not start is left to the call itself. */
function findOldGit(environment: Environment): Promise<string | undefined> {
  const path = environment.PATH ?? '';
  let found = versions.get(path);
  if (found === undefined) {
    found = startGit(['--version'], { environment }).then(({ stdout }) => describeOldGit(stdout));
    versions.set(path, found);
  }
  return found;
}

/** Returns why a version is too old, or undefined. `text` is as `git version 2.39.5 (Apple Git-154)`. */
export function describeOldGit(text: string): string | undefined {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const [oldestMajor, oldestMinor] = oldestGit;
  const isOld = Number(major) < oldestMajor || (Number(major) === oldestMajor && Number(minor) < oldestMinor);
  return isOld
    ? `cannot use ${text.trim()}: git ${oldestMajor}.${oldestMinor} or later is needed`
    : undefined;
}

/** The variables by which a user tells git how to log in to another repository, and what to trust there. */
const loginVariables = /^(GIT_(ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT|SSL_.*|HTTP_.*)|SSH_AUTH_SOCK)$/;

/**
 * Returns the environment of git: without git's own variables, credentials and tokens, and with the settings. A setting
 * is passed by GIT_CONFIG_KEY_n and VALUE_n, where a name cannot change the meaning of another one, as it can in `-c`.
 */
function gitEnvironment({
  environment,
  settings = [],
  variables,
  transports: allowed = [],
}: GitOptions): Environment {
  const isLogin = ([name]: readonly [string, unknown]): boolean => loginVariables.test(name);
  const passed = [
    ...Object.entries(withoutHidden(environment)).filter(([name]) => !name.startsWith('GIT_')),
    ...(allowed.length === 0 ? [] : Object.entries(environment).filter(isLogin)),
  ];
  const all: readonly Setting[] = [
    ...fixedSettings,
    ...allowed.map((transport): Setting => [`protocol.${transport}.allow`, 'always']),
    ...settings,
  ];
  const words = all.flatMap(([key, value], i): Setting[] => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_ASKPASS: 'false',
    ...Object.fromEntries(passed),
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(words),
    GIT_ALLOW_PROTOCOL: allowed.length === 0 ? 'none' : allowed.join(':'),
    ...(allowed.length === 0 && { GIT_NO_LAZY_FETCH: '1' }),
    // Replacements and grafts must not change which commit is an ancestor of which.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
    ...variables,
  };
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
