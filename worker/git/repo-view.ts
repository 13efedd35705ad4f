/**
 * Lets git read a repository without its configuration: through a private repository with Soil's own configuration, the
 * same HEAD, refs and index, and the objects of the other one. What a task wrote to `.git/config`, `info/attributes` or
 * `hooks` does not exist for that git.
 */
import { rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { CommandResult } from '../system/run-process.js';
import { listAlternates } from './alternates.js';
import { runGit, type Environment, type GitOptions, type Setting } from './git.js';
import { readGitFolder, type GitFolder } from './git-folder.js';
import { readUserSettings } from './git-settings.js';
import { listRefs, readHeadRef, type HeadRef } from './git-refs.js';
import { findPipeIn } from './object-folder.js';
import { isPlainFile, readPlainFile } from './plain-file.js';

export interface ViewOptions {
  readonly environment: Environment;
  /** copy branches, tags and other refs; default: only HEAD and its branch */
  readonly withRefs?: boolean;
  /** a detached HEAD at this commit takes the place of the repository's own */
  readonly commit?: string;
  /** copy the index, so that git knows which files are tracked and staged */
  readonly withIndex?: boolean;
}

export interface RepoView {
  /** the private repository */
  readonly gitDir: string;
  readonly head: HeadRef;
  /** runs git in the root of the working tree, or in the folder `cwd` of it */
  readonly git: (
    args: readonly string[],
    options?: Omit<GitOptions, 'environment'>,
  ) => Promise<CommandResult>;
  /** removes the private repository */
  readonly close: () => Promise<void>;
}

/** Creates the private repository in a temporary folder that only this user can enter. */
export async function openRepoView(
  folder: GitFolder,
  { environment, withRefs = false, withIndex = false, commit }: ViewOptions,
): Promise<Result<RepoView>> {
  const alternates = await listAlternates(folder.commonDir);
  if (!alternates.ok) return alternates;
  const objects = [join(folder.commonDir, 'objects'), ...alternates.value];
  const pipe = findPipeIn(objects);
  if (pipe !== undefined)
    return refuse(`cannot read ${quote(folder.commonDir, 300)}: ${quote(pipe, 300)} is a named pipe`);
  const head = commit === undefined ? await readHeadRef(folder) : { hash: commit };
  const refs = withRefs ? await listRefs(folder.commonDir) : new Map<string, string>();
  const gitDir = await mkdtemp(join(tmpdir(), 'soil-git-'));
  // A third signal exits the process immediately; the folder is removed even then.
  const removeNow = (): void => {
    rmSync(gitDir, { recursive: true, force: true });
  };
  process.once('exit', removeNow);
  const close = async (): Promise<void> => {
    process.removeListener('exit', removeNow);
    await rm(gitDir, { recursive: true, force: true });
  };
  try {
    await writePrivateRepo(gitDir, { head, refs, objects });
    await copyData(folder, gitDir, withIndex);
  } catch (error) {
    await close();
    throw error;
  }
  const settings = await ignoreSettings(environment);
  return accept({
    gitDir,
    head,
    git: (args, options = {}) =>
      runGit(args, {
        ...{ environment, cwd: folder.root },
        ...options,
        settings: [...settings, ...(options.settings ?? [])],
        variables: { GIT_DIR: gitDir, GIT_WORK_TREE: folder.root, ...options.variables },
      }),
    close,
  });
}

interface PrivateRepo {
  readonly head: HeadRef;
  readonly refs: ReadonlyMap<string, string>;
  /** folders of objects */
  readonly objects: readonly string[];
}

/** Writes the files that make a folder a repository. */
async function writePrivateRepo(gitDir: string, { head, refs, objects }: PrivateRepo): Promise<void> {
  for (const folder of ['objects/info', 'refs', 'info'])
    await mkdir(join(gitDir, folder), { recursive: true });
  const { ref, hash } = head;
  const isSha256 = [hash, ...refs.values()].some((one) => one?.length === 64);
  const config = isSha256
    ? '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n'
    : '[core]\n\trepositoryformatversion = 0\n';
  const all = new Map(refs);
  if (ref !== undefined && hash !== undefined) all.set(ref, hash);
  const packed = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, at]) => `${at} ${name}\n`);
  await writeFile(join(gitDir, 'config'), config);
  await writeFile(join(gitDir, 'packed-refs'), packed.join(''));
  await writeFile(join(gitDir, 'objects/info/alternates'), objects.map(quoteAlternate).join(''));
  const target = ref === undefined ? hash : `ref: ${ref}`;
  await writeFile(join(gitDir, 'HEAD'), `${target ?? 'ref: refs/heads/none'}\n`);
}

/** A path that begins with a quotation mark, or has a line end, is written as a string in C. */
const quoteAlternate = (path: string): string =>
  /^"|[\n\\]/.test(path)
    ? `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"\n`
    : `${path}\n`;

/** Copies the files that are data only: which commits are the oldest here, which files are ignored, which are tracked. */
async function copyData(folder: GitFolder, gitDir: string, withIndex: boolean): Promise<void> {
  const shallow = await readPlainFile(join(folder.commonDir, 'shallow'));
  if (shallow !== undefined) await writeFile(join(gitDir, 'shallow'), shallow);
  const exclude = await readPlainFile(join(folder.commonDir, 'info/exclude'), excludeBytes);
  if (exclude !== undefined) await writeFile(join(gitDir, 'info/exclude'), exclude);
  if (!withIndex) return;
  const names = await readdir(folder.gitDir);
  for (const name of names.filter((one) => one === 'index' || /^sharedindex\.[0-9a-f]+$/.test(one))) {
    const from = join(folder.gitDir, name);
    if (await isPlainFile(from)) await copyFile(from, join(gitDir, name));
  }
}

const excludeBytes = 1_000_000;

/** The user's list of ignored files, by environment: `core.excludesFile`, else git's default. */
const ignoreFiles = new WeakMap<Environment, Promise<readonly Setting[]>>();

/**
 * Returns the setting that names the user's list of ignored files. It is the only one that is taken from the user's own
 * configuration, since without it an editor's backup files count as changes.
 */
function ignoreSettings(environment: Environment): Promise<readonly Setting[]> {
  let found = ignoreFiles.get(environment);
  if (found === undefined) {
    found = readIgnoreSettings(environment);
    ignoreFiles.set(environment, found);
  }
  return found;
}

async function readIgnoreSettings(environment: Environment): Promise<readonly Setting[]> {
  const { HOME = '', XDG_CONFIG_HOME = '', GIT_CONFIG_GLOBAL } = environment;
  const folder = XDG_CONFIG_HOME === '' ? join(HOME, '.config') : XDG_CONFIG_HOME;
  // Most CI machines have none of these files, and starting git twice takes time.
  const files = [join(HOME, '.gitconfig'), join(folder, 'git/config'), '/etc/gitconfig', GIT_CONFIG_GLOBAL];
  const exist = await Promise.all(files.map((file) => isPlainFile(file ?? '')));
  const isConfigured = exist.includes(true) || process.platform !== 'linux';
  const [named] = isConfigured
    ? await readUserSettings('core.excludesFile', environment, ['--type=path'])
    : [];
  const path = named ?? join(folder, 'git/ignore');
  return (await isPlainFile(path)) ? [['core.excludesFile', path]] : [];
}

/**
 * Runs one git command that reads the repository of a folder, with its index and all its refs. Fails outside a
 * repository. The root of the working tree is the current folder of git.
 */
export async function readGit(args: readonly string[], options: ReadOptions): Promise<CommandResult> {
  const failed = (failure: string): CommandResult => ({ status: undefined, stdout: '', stderr: '', failure });
  const { repo, environment, ...limits } = options;
  const folder = await readGitFolder(repo);
  if (!folder.ok) return failed(folder.error);
  if (folder.value === undefined) return failed(`${quote(repo, 300)} is not a git repository`);
  const view = await openRepoView(folder.value, { environment, withRefs: true, withIndex: true });
  if (!view.ok) return failed(view.error);
  try {
    return await view.value.git(args, limits);
  } finally {
    await view.value.close();
  }
}

export interface ReadOptions extends Pick<
  GitOptions,
  'environment' | 'timeoutSeconds' | 'maxOutputBytes' | 'cancel'
> {
  /** the root of the working tree */
  readonly repo: string;
}
