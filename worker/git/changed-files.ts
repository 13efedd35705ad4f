/** Lists the files of a working tree that differ from HEAD, without running a filter or reading the repository's configuration. */
import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { gitReason, type Environment } from './git.js';
import { readGitFolder } from './git-folder.js';
import { readHeadRef } from './git-refs.js';
import { openRepoView, type RepoView } from './repo-view.js';

/** A file that differs. */
export interface ChangedFile {
  /** two characters, as `git status --short` prints: index, then working tree; `??` is untracked */
  readonly state: string;
  /** below the root of the working tree; with a slash at the end, an untracked folder that is a repository of its own */
  readonly path: string;
}

/** Much more than a person reads, and few enough for memory. */
const maxOutputBytes = 100_000_000;

/** Lists uncommitted changes as `git status` does, without ignored files. A new folder counts as one. */
export async function listChangedFiles(
  repo: string,
  environment: Environment,
): Promise<Result<readonly ChangedFile[]>> {
  const because = (reason: string): Result<never> =>
    refuse(`cannot list uncommitted changes in ${quote(repo, 300)}: ${reason}`);
  const folder = await readGitFolder(repo);
  if (!folder.ok) return folder;
  if (folder.value === undefined) return because('it is not a git repository');
  const view = await openRepoView(folder.value, { environment, withIndex: true });
  if (!view.ok) return view;
  try {
    // Not its own look at submodules: that starts git in each, with the configuration of each.
    const words = ['status', '--porcelain', '-z', '--ignore-submodules=all', '--renames'];
    const end = await view.value.git(words, { timeoutSeconds: 300, maxOutputBytes });
    if (end.status !== 0) return because(gitReason(end));
    const submodules = await listChangedSubmodules(repo, view.value, environment);
    return submodules.ok ? accept([...parseStatus(end.stdout), ...submodules.value]) : submodules;
  } finally {
    await view.value.close();
  }
}

/** Parses the output of `git status --porcelain -z`. Pure. */
export function parseStatus(text: string): readonly ChangedFile[] {
  const files: ChangedFile[] = [];
  const parts = text.split('\0');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    if (part === '') continue;
    files.push({ state: part.slice(0, 2), path: part.slice(3) });
    // The old name of a renamed file follows as a part of its own.
    if (part.startsWith('R')) i++;
  }
  return files;
}

/** Lists submodules that are checked out and are at another commit than the index says, or have changes themselves. */
export async function listChangedSubmodules(
  repo: string,
  view: RepoView,
  environment: Environment,
): Promise<Result<readonly ChangedFile[]>> {
  const staged = await view.git(['ls-files', '--stage', '-z'], {
    timeoutSeconds: 300,
    maxOutputBytes: 5 * maxOutputBytes,
  });
  if (staged.status !== 0)
    return refuse(`cannot list submodules of ${quote(repo, 300)}: ${gitReason(staged)}`);
  const changed: ChangedFile[] = [];
  const base = await realpath(repo);
  for (const line of staged.stdout.split('\0')) {
    const [, commit, path] = /^160000 ([0-9a-f]+) \d\t(.*)$/s.exec(line) ?? [];
    if (commit === undefined || path === undefined) continue;
    const root = join(repo, path);
    // No submodule is behind a link: links that lead to each other would be without end.
    const real = await realpath(root).catch(() => undefined);
    if (real !== undefined && real !== join(base, sep, path)) {
      changed.push({ state: ' M', path });
      continue;
    }
    const folder = await readGitFolder(root);
    if (!folder.ok) changed.push({ state: ' M', path });
    else if (folder.value === undefined) {
      const names = await readdir(root).catch(() => []);
      if (names.length > 0) changed.push({ state: ' M', path });
    } else if ((await readHeadRef(folder.value)).hash !== commit) changed.push({ state: ' M', path });
    else {
      const inside = await listChangedFiles(root, environment);
      if (!inside.ok) return inside;
      if (inside.value.length > 0) changed.push({ state: ' M', path });
    }
  }
  return accept(changed);
}
