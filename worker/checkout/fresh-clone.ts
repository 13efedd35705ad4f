/** Clones HEAD of a repo with its submodules into a temporary folder, without uncommitted changes. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { quoteShellWord } from '../../model/shell-word.js';
import { failureReason, runProcess } from '../system/run-process.js';
import { gitReason, runGit, type Environment } from '../system/git.js';

export interface FreshClone {
  /** the root of the clone, with the name of the repo's folder */
  readonly folder: string;
  /** removes the clone; fails when that is not possible */
  readonly remove: () => Promise<Result<undefined>>;
  /** leaves the clone in place when this process exits */
  readonly keep: () => void;
}

export interface CloneOptions {
  readonly environment: Environment;
  readonly cancel: AbortSignal;
}

const cloneSeconds = 1800;

/** Lists uncommitted changes as `git status --short` prints them, without ignored files. */
export async function listUncommitted(
  repo: string,
  environment: Environment,
): Promise<Result<readonly string[]>> {
  const end = await runGit(['status', '--porcelain', '-z', '--ignore-submodules=none', '--renames'], {
    ...{ environment, cwd: repo },
  });
  if (end.status !== 0)
    return refuse(`cannot list uncommitted changes in ${quote(repo, 300)}: ${failureReason(end)}`);
  const lines: string[] = [];
  const parts = end.stdout.split('\0');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    if (part === '') continue;
    lines.push(part);
    // The old name of a renamed file follows as a part of its own.
    if (part.startsWith('R')) i++;
  }
  return accept(lines);
}

/** Creates the clone. It shares no objects with the repo, so that a task cannot damage the repo. */
export async function createFreshClone(repo: string, options: CloneOptions): Promise<Result<FreshClone>> {
  const parent = await mkdtemp(join(tmpdir(), 'soil-local-'));
  const folder = join(parent, basename(repo) === '' ? 'repo' : basename(repo));
  // A third signal exits the process immediately; the clone is removed even then.
  const atExit = (): void => {
    rmSync(parent, { recursive: true, force: true });
  };
  process.once('exit', atExit);
  const clone: FreshClone = {
    folder,
    remove: async () => {
      const removed = await removeFolder(parent, options.environment);
      process.removeListener('exit', atExit);
      return removed;
    },
    keep: () => process.removeListener('exit', atExit),
  };
  const cloned = await cloneInto(repo, folder, options);
  if (cloned.ok) return accept(clone);
  await clone.remove();
  return cloned;
}

async function cloneInto(repo: string, folder: string, options: CloneOptions): Promise<Result<undefined>> {
  const git = { ...options, timeoutSeconds: cloneSeconds };
  const cloned = await runGit(['clone', '--quiet', '--no-hardlinks', repo, folder], git);
  if (cloned.status !== 0) return refuse(`cannot clone ${quote(repo, 300)}: ${gitReason(cloned)}`);
  const modules = await cloneSubmodules(repo, folder, git);
  if (!modules.ok) return modules;
  // Only now: the relative addresses of the submodules must be resolved against the repo.
  const origin = await runGit(['config', '--get', 'remote.origin.url'], { ...options, cwd: repo });
  const url = removeCredential(origin.stdout.trim());
  if (origin.status === 0 && url !== '')
    await runGit(['remote', 'set-url', 'origin', url], { ...options, cwd: folder });
  return accept(undefined);
}

/** Removes user name and password from an HTTP address: tasks must not see a token. The user name of SSH is kept. */
function removeCredential(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (!url.protocol.startsWith('http')) return address;
  url.username = '';
  url.password = '';
  return url.href;
}

/**
 * Checks out submodules at the commits that HEAD names. Clones each from its working copy in the repo, which needs no
 * network and no password, or from its own address if it is not checked out.
 */
async function cloneSubmodules(
  source: string,
  clone: string,
  git: CloneOptions & { readonly timeoutSeconds: number },
): Promise<Result<undefined>> {
  const listed = await runGit(
    ['config', '-z', '-f', '.gitmodules', '--get-regexp', '^submodule\\..*\\.path$'],
    {
      ...{ ...git, cwd: clone },
    },
  );
  for (const entry of listed.stdout.split('\0').filter((text) => text !== '')) {
    const [key = '', path = ''] = entry.split('\n');
    const name = key.slice('submodule.'.length, -'.path'.length);
    const from = join(source, path);
    const hasWorkingCopy = await stat(join(from, '.git')).then(
      () => true,
      () => false,
    );
    const config = hasWorkingCopy
      ? ['-c', `submodule.${name}.url=${from}`, '-c', 'protocol.file.allow=always']
      : [];
    const updated = await runGit([...config, 'submodule', '--quiet', 'update', '--init', '--', path], {
      ...{ ...git, cwd: clone },
    });
    if (updated.status !== 0) return refuse(`cannot clone submodule ${quote(path)}: ${gitReason(updated)}`);
    const nested = await cloneSubmodules(from, join(clone, path), git);
    if (!nested.ok) return nested;
  }
  return accept(undefined);
}

/** Removes a folder. Files of other users in a rootless container can only be removed through podman. */
async function removeFolder(folder: string, environment: Environment): Promise<Result<undefined>> {
  try {
    await rm(folder, { recursive: true, force: true });
    return accept(undefined);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      const end = await runProcess('podman', ['unshare', 'rm', '-rf', folder], {
        environment,
        timeoutSeconds: 300,
      });
      if (end.status === 0) return accept(undefined);
    }
    const command = `rm -rf ${quoteShellWord(folder)}`;
    return refuse(
      `cannot remove ${quote(folder, 300)}: ${message}. To remove it: podman unshare ${command}, or sudo ${command}`,
    );
  }
}
