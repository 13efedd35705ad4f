/** Clones HEAD of a repo with its submodules into a temporary folder, without uncommitted changes. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { quoteShellWord } from '../../model/shell-word.js';
import { runProcess } from '../system/run-process.js';
import { gitReason, runGit, type Environment } from './git.js';
import { readGitFolder } from './git-folder.js';
import { readRepoSettings } from './git-settings.js';
import { openRepoView } from './repo-view.js';
import { cloneSubmodules } from './submodules.js';

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

/**
 * Clones through a view of the repo: its configuration is not read, so nothing that it names runs. Without filters,
 * files of git-lfs are checked out as they are stored.
 */
async function cloneInto(repo: string, folder: string, options: CloneOptions): Promise<Result<undefined>> {
  const { environment, cancel } = options;
  const limits = { cancel, timeoutSeconds: cloneSeconds };
  const source = await readGitFolder(repo);
  if (!source.ok) return source;
  if (source.value === undefined)
    return refuse(`cannot clone ${quote(repo, 300)}: it is not a git repository`);
  const view = await openRepoView(source.value, { environment, withRefs: true });
  if (!view.ok) return view;
  try {
    const words = ['clone', '--quiet', '--no-local', '--template=', '--', view.value.gitDir, folder];
    const cloned = await runGit(words, { environment, ...limits, transports: ['file'] });
    if (cloned.status !== 0) return refuse(`cannot clone ${quote(repo, 300)}: ${gitReason(cloned)}`);
  } finally {
    await view.value.close();
  }
  const [origin = ''] = await readRepoSettings(source.value, 'remote.origin.url', environment);
  const url = origin === '' ? repo : removeCredential(origin);
  const set = await runGit(['--git-dir', join(folder, '.git'), 'remote', 'set-url', '--', 'origin', url], {
    environment,
  });
  if (set.status !== 0) return refuse(`cannot clone ${quote(repo, 300)}: ${gitReason(set)}`);
  return cloneSubmodules({ source: repo, clone: folder, url }, { environment, cancel });
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
