/** Checks out the submodules of a fresh clone. A commit names them, so every name, path and URL is hostile. */
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { gitReason, runGit, type Environment, type Setting, type Transport } from './git.js';
import { readGitFolder } from './git-folder.js';
import { parseConfigEntries } from './git-settings.js';
import { readPlainFile } from './plain-file.js';
import { openRepoView } from './repo-view.js';

export interface SubmoduleOptions {
  readonly environment: Environment;
  readonly cancel: AbortSignal;
}

interface ClonePair {
  /** a working tree with the same commit; its submodules may be checked out */
  readonly source: string;
  /** the working tree to complete */
  readonly clone: string;
  /** where the repository of the clone came from, for relative URLs */
  readonly url: string;
}

/** A folder of a commit that is another repository. */
interface Submodule {
  /** the key in `.gitmodules` */
  readonly name: string;
  /** below the root of the working tree */
  readonly path: string;
  readonly commit: string;
  /** as `.gitmodules` says */
  readonly url: string;
}

const cloneSeconds = 1800;
/** How deep submodules can have submodules. */
const maxDepth = 20;

/**
 * Checks out submodules at the commits that HEAD names. Clones each from its working copy in the source, which needs no
 * network and no password, or from its own URL if it is not checked out there.
 */
export async function cloneSubmodules(
  pair: ClonePair,
  options: SubmoduleOptions,
  depth = 0,
): Promise<Result<undefined>> {
  const listed = await listSubmodules(pair.clone, options.environment);
  if (!listed.ok) return listed;
  for (const submodule of listed.value) {
    const { path } = submodule;
    if (depth > maxDepth) return refuse(`cannot clone submodule ${quote(path)}: it is in ${maxDepth} others`);
    const url = resolveUrl(submodule.url, pair.url);
    const copied = await cloneWorkingCopy(submodule, pair, options);
    if (!copied.ok) return copied;
    if (!copied.value) {
      const fetched = await cloneFromUrl(submodule, { ...pair, url }, options);
      if (!fetched.ok) return fetched;
    }
    const clone = join(pair.clone, path);
    const nested = await cloneSubmodules({ source: join(pair.source, path), clone, url }, options, depth + 1);
    if (!nested.ok) return nested;
  }
  return accept(undefined);
}

/** Lists the submodules of the commit that is checked out in a fresh clone, in the order of their paths. */
async function listSubmodules(
  clone: string,
  environment: Environment,
): Promise<Result<readonly Submodule[]>> {
  const text = await readPlainFile(join(clone, '.gitmodules'), 1_000_000);
  if (text === undefined) return accept([]);
  const words = ['ls-files', '--stage', '-z'];
  const staged = await runGit(words, { environment, cwd: clone, maxOutputBytes: 500_000_000 });
  if (staged.status !== 0) return refuse(`cannot list submodules: ${gitReason(staged)}`);
  const entries = await parseConfigEntries(text, environment);
  if (!entries.ok) return refuse(`cannot read .gitmodules: ${entries.error}`);
  const found: Submodule[] = [];
  for (const line of staged.stdout.split('\0')) {
    const [, commit, path] = /^160000 ([0-9a-f]+) \d\t(.*)$/s.exec(line) ?? [];
    if (commit === undefined || path === undefined) continue;
    const key = [...entries.value].find(([name, value]) => isPathKey(name) && value === path)?.[0];
    if (key === undefined) continue;
    const name = key.slice('submodule.'.length, -'.path'.length);
    const checked = checkName(name);
    if (!checked.ok) return checked;
    found.push({ name, path, commit, url: entries.value.get(`submodule.${name}.url`) ?? '' });
  }
  return accept(found);
}

const isPathKey = (key: string): boolean => key.startsWith('submodule.') && key.endsWith('.path');

/** git keeps the repository of a submodule in `.git/modules/NAME`. */
function checkName(name: string): Result<undefined> {
  const isSafe =
    /^[\w.+@ /-]{1,200}$/.test(name) &&
    !name.startsWith('-') &&
    name
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
  return isSafe
    ? accept(undefined)
    : refuse(
        `cannot clone submodule ${quote(name)}: its name can have letters, digits, spaces and . _ + @ / - only, and no "..", ".git" or leading "-"`,
      );
}

/** Resolves a relative URL against that of the repository, as git-submodule(1) says. */
function resolveUrl(url: string, base: string): string {
  if (!/^\.{1,2}\//.test(url)) return url;
  let [start, rest] = [base.replace(/\/+$/, ''), url];
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      start = start.replace(/[/:][^/:]*$/, '');
    } else return `${start}/${rest}`;
  }
}

/** Returns false if the source has no working copy with the commit. */
async function cloneWorkingCopy(
  submodule: Submodule,
  { source, clone }: ClonePair,
  { environment, cancel }: SubmoduleOptions,
): Promise<Result<boolean>> {
  const root = join(source, submodule.path);
  // A link in the path would lead to a repository that is not of this working tree.
  const real = await realpath(root).catch(() => undefined);
  if (real !== (await realpath(source)) + sep + submodule.path) return accept(false);
  const folder = await readGitFolder(root);
  if (!folder.ok || folder.value === undefined) return accept(false);
  // Only this commit and its history: the `.git` of the working copy may name another repository of the user.
  const view = await openRepoView(folder.value, { environment, commit: submodule.commit });
  if (!view.ok) return accept(false);
  try {
    const known = await view.value.git(['cat-file', '-e', `${submodule.commit}^{commit}`]);
    if (known.status !== 0) return accept(false);
    const updated = await updateSubmodule(submodule, clone, {
      ...{ environment, cancel, url: view.value.gitDir, transports: ['file'] },
    });
    return updated.ok ? accept(true) : updated;
  } finally {
    await view.value.close();
  }
}

/** Transports of a URL that a commit names. Not `file`: it could name any repository of this machine. */
const remoteTransports: readonly Transport[] = ['https', 'http', 'ssh', 'git'];

async function cloneFromUrl(
  submodule: Submodule,
  { clone, url }: ClonePair,
  options: SubmoduleOptions,
): Promise<Result<undefined>> {
  const isUrl = /^(https?|ssh|git):\/\/[\w[][^\s\0-\x1f]*$/.test(url) && !url.includes('::');
  const isScp = /^([\w.-]+@)?\w[\w.-]*:(?!:)[^\s-][^\s]*$/.test(url) && !url.includes('://');
  if (!isUrl && !isScp) {
    return refuse(
      `cannot clone submodule ${quote(submodule.path)}: its URL ${quote(url, 300)} is not one of https, http, ssh or git. Check the submodule out first: git submodule update --init`,
    );
  }
  return updateSubmodule(submodule, clone, { ...options, url, transports: remoteTransports });
}

interface UpdateOptions extends SubmoduleOptions {
  readonly url: string;
  readonly transports: readonly Transport[];
}

async function updateSubmodule(
  { name, path, url: declared }: Submodule,
  clone: string,
  { environment, cancel, url, transports }: UpdateOptions,
): Promise<Result<undefined>> {
  const settings: readonly Setting[] = [
    [`submodule.${name}.url`, url],
    [`submodule.${name}.update`, 'checkout'],
    [`submodule.${name}.active`, 'true'],
  ];
  const updated = await runGit(['submodule', '--quiet', 'update', '--init', '--checkout', '--', path], {
    ...{ environment, cancel, cwd: clone, timeoutSeconds: cloneSeconds, transports, settings },
  });
  if (updated.status !== 0) return refuse(`cannot clone submodule ${quote(path)}: ${gitReason(updated)}`);
  const set = await runGit(['remote', 'set-url', '--', 'origin', declared === '' ? url : declared], {
    ...{ environment, cwd: join(clone, path) },
  });
  return set.status === 0
    ? accept(undefined)
    : refuse(`cannot clone submodule ${quote(path)}: ${gitReason(set)}`);
}
