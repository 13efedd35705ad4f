/** HEAD of a repo -> a clone of it in a temporary folder, submodules too, with nothing that is not committed. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { shellWord } from '../../model/shell-word.js';
import { failureReason, runProcess } from '../system/run-process.js';
import { gitReason, runGit, type Environment } from '../system/git.js';

export interface FreshClone {
  /** the clone's root, called like the repo's own folder */
  readonly folder: string;
  /** takes the clone away; why not, where it could not be */
  readonly remove: () => Promise<Result<undefined>>;
  /** leaves it there for its owner */
  readonly keep: () => void;
}

export interface CloneOptions {
  readonly environment: Environment;
  readonly cancel: AbortSignal;
}

const cloneSeconds = 1800;

/** What git knows of and HEAD does not have, as `git status --short` shows it; ignored files are meant to be left out. */
export async function listUncommitted(
  repo: string,
  environment: Environment,
): Promise<Result<readonly string[]>> {
  const end = await runGit(['status', '--porcelain', '-z', '--ignore-submodules=none', '--renames'], {
    ...{ environment, cwd: repo },
  });
  if (end.status !== 0)
    return refuse(`cannot tell what is not committed in ${quote(repo, 300)}: ${failureReason(end)}`);
  const lines: string[] = [];
  const parts = end.stdout.split('\0');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    if (part === '') continue;
    lines.push(part);
    // A renamed file's old name follows as a part of its own.
    if (part.startsWith('R')) i++;
  }
  return accept(lines);
}

/** Nothing is shared with the repo: a task that spoils the clone's objects must not spoil the repo's. */
export async function createFreshClone(repo: string, options: CloneOptions): Promise<Result<FreshClone>> {
  const parent = await mkdtemp(join(tmpdir(), 'soil-local-'));
  const folder = join(parent, basename(repo) === '' ? 'repo' : basename(repo));
  // A third signal ends this process without another turn: the clone goes all the same.
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
  const made = await cloneInto(repo, folder, options);
  if (made.ok) return accept(clone);
  await clone.remove();
  return made;
}

async function cloneInto(repo: string, folder: string, options: CloneOptions): Promise<Result<undefined>> {
  const git = { ...options, timeoutSeconds: cloneSeconds };
  const cloned = await runGit(['clone', '--quiet', '--no-hardlinks', repo, folder], git);
  if (cloned.status !== 0) return refuse(`cannot clone ${quote(repo, 300)}: ${gitReason(cloned)}`);
  const modules = await fillSubmodules(repo, folder, git);
  if (!modules.ok) return modules;
  // Only now, since submodules with relative addresses were looked for beside the repo.
  const origin = await runGit(['config', '--get', 'remote.origin.url'], { ...options, cwd: repo });
  const url = withoutCredential(origin.stdout.trim());
  if (origin.status === 0 && url !== '')
    await runGit(['remote', 'set-url', 'origin', url], { ...options, cwd: folder });
  return accept(undefined);
}

/** A token in an address is for its owner, not for the tasks; the name before ssh's `@` is none. */
function withoutCredential(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (!url.protocol.startsWith('http')) return address;
  url.username = '';
  url.password = '';
  return url.href;
}

/**
 * Submodules at the commits that HEAD names: out of the repo's own working copies where they are, so that neither the
 * network nor a password is needed; from their own addresses elsewhere.
 */
async function fillSubmodules(
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
    const isThere = await stat(join(from, '.git')).then(
      () => true,
      () => false,
    );
    const address = isThere
      ? ['-c', `submodule.${name}.url=${from}`, '-c', 'protocol.file.allow=always']
      : [];
    const filled = await runGit([...address, 'submodule', '--quiet', 'update', '--init', '--', path], {
      ...{ ...git, cwd: clone },
    });
    if (filled.status !== 0) return refuse(`cannot clone submodule ${quote(path)}: ${gitReason(filled)}`);
    const within = await fillSubmodules(from, join(clone, path), git);
    if (!within.ok) return within;
  }
  return accept(undefined);
}

/** What a rootless container's other users made is podman's to remove. */
async function removeFolder(folder: string, environment: Environment): Promise<Result<undefined>> {
  try {
    await rm(folder, { recursive: true, force: true });
    return accept(undefined);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const mend = `podman unshare rm -rf ${shellWord(folder)}`;
    if (code === 'EACCES' || code === 'EPERM') {
      const end = await runProcess('podman', ['unshare', 'rm', '-rf', folder], {
        environment,
        timeoutSeconds: 300,
      });
      if (end.status === 0) return accept(undefined);
    }
    return refuse(`cannot remove ${quote(folder, 300)}: ${message}; mend: ${mend}, or sudo rm -rf`);
  }
}
