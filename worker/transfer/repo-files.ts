/** Lists the files of a repo that a task host needs: tracked ones, and untracked ones that are not ignored. */
import { EntryError } from '../../files/folder-entry.js';
import type { UntrustedFolder } from '../../files/untrusted-folder.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { gitReason, type Environment } from '../git/git.js';
import { readGitFolder } from '../git/git-folder.js';
import { openRepoView } from '../git/repo-view.js';

export interface RepoListing {
  /** paths below the repo, sorted; some may be gone, or folders without files */
  readonly paths: readonly string[];
  /** names that cannot be sent, as sentences */
  readonly notices: readonly string[];
}

export interface RepoFilesOptions {
  readonly folder: UntrustedFolder;
  readonly environment: Environment;
  /** a path that is left out with all below it: the worker's own */
  readonly isExcluded: (path: string) => boolean;
}

interface Found {
  readonly paths: string[];
  readonly notices: string[];
}

/** About a million paths. */
const maxListBytes = 200_000_000;
/** A repo in a repo in a repo. A deeper one is not listed. */
const maxDepth = 16;

/**
 * Lists the files of a repo and of the repos in it: submodules and other clones. Outside a git repo, every file counts.
 * Refuses if git cannot list them.
 */
export async function listRepoFiles(options: RepoFilesOptions): Promise<Result<RepoListing>> {
  const { folder, isExcluded } = options;
  const found: Found = { paths: [], notices: [] };
  if (isRepo(folder, '')) {
    const listed = await listWithGit('', options, found);
    if (!listed.ok) return listed;
  } else {
    walk('', options, found.paths);
  }
  const names = [...new Set(found.paths)].filter((path) => !isExcluded(path)).sort();
  // U+FFFD replaces what is not UTF-8, so the name is no longer that of the file.
  const bad = names.filter((path) => path.includes('\ufffd'));
  return accept({
    paths: bad.length === 0 ? names : names.filter((path) => !path.includes('\ufffd')),
    notices: [
      ...found.notices,
      ...bad.map((path) => `cannot send ${quote(path, 300)} to the task host: its name is not UTF-8`),
    ],
  });
}

/** Reports whether a folder has a `.git` of its own. Without it, git would list the files of the repo around it. */
const isRepo = (folder: UntrustedFolder, prefix: string): boolean =>
  statOf(folder, `${prefix}.git`) !== undefined;

/** Returns the facts of an entry, or undefined if there is none, or none that can be reached without a link. */
export function statOf(folder: UntrustedFolder, path: string): ReturnType<UntrustedFolder['stat']> {
  try {
    return folder.stat(path);
  } catch (error) {
    if (error instanceof EntryError) return undefined;
    throw error;
  }
}

/** Adds the files of the repo at `prefix`. */
async function listWithGit(
  prefix: string,
  options: RepoFilesOptions,
  found: Found,
  depth = 0,
): Promise<Result<undefined>> {
  const { folder, environment, isExcluded } = options;
  const root = prefix === '' ? folder.path : `${folder.path}/${prefix.slice(0, -1)}`;
  const text = await runListing(root, environment);
  if (!text.ok) return text;
  for (const listed of text.value.split('\0')) {
    // A repo in the repo that is no submodule has a slash at its end.
    const path = `${prefix}${listed.replace(/\/$/, '')}`;
    if (listed === '' || isExcluded(path)) continue;
    found.paths.push(path);
    if (statOf(folder, path)?.isDirectory() !== true || !isRepo(folder, `${path}/`)) continue;
    const inner =
      depth < maxDepth
        ? await listWithGit(`${path}/`, options, found, depth + 1)
        : refuse(`cannot list the files of ${quote(path, 300)}: too many repos in each other`);
    if (!inner.ok) found.notices.push(inner.error);
  }
  return accept(undefined);
}

async function runListing(root: string, environment: Environment): Promise<Result<string>> {
  const because = (reason: string) => refuse(`cannot list the files of ${quote(root, 300)}: ${reason}`);
  const gitFolder = await readGitFolder(root);
  if (!gitFolder.ok) return because(gitFolder.error);
  if (gitFolder.value === undefined) return because('its ".git" is not a git repository');
  const view = await openRepoView(gitFolder.value, { environment, withIndex: true });
  if (!view.ok) return because(view.error);
  try {
    const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
    const end = await view.value.git(words, { maxOutputBytes: maxListBytes + 1, timeoutSeconds: 300 });
    if (end.status !== 0) return because(gitReason(end));
    if (end.stdout.length > maxListBytes) return because(`their names are longer than ${maxListBytes} bytes`);
    return accept(end.stdout);
  } finally {
    await view.value.close();
  }
}

function walk(path: string, options: RepoFilesOptions, found: string[]): void {
  for (const entry of options.folder.list(path)) {
    const name = path === '' ? entry.name : `${path}/${entry.name}`;
    if (options.isExcluded(name)) continue;
    found.push(name);
    if (entry.isDirectory()) walk(name, options, found);
  }
}
