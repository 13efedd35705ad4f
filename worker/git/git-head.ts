/** Reads the commit that is checked out, and finds the commit that an option names. */
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { Environment } from './git.js';
import { readGitFolder } from './git-folder.js';
import { readHeadRef } from './git-refs.js';
import { openRepoView } from './repo-view.js';

/** The commit that is checked out. All fields are absent outside a repo. */
export interface GitHead {
  readonly commit?: CommitHash;
  /** the committer date, ISO 8601 with a time zone; absent if the commit has none that can be read */
  readonly commitDate?: string;
  readonly commitLine?: string;
  /** absent on a detached HEAD */
  readonly branch?: string;
}

/** A hash as git prints it: SHA-1 or SHA-256. */
const fullHash = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Reads the commit and the branch of HEAD. */
export async function readGitHead(repo: string, environment: Environment): Promise<GitHead> {
  const folder = await readGitFolder(repo);
  if (!folder.ok || folder.value === undefined) return {};
  const view = await openRepoView(folder.value, { environment });
  if (!view.ok) return {};
  const { git, head, close } = view.value;
  try {
    const branch = head.ref?.replace(/^refs\/heads\//, '');
    const named = branch === undefined ? {} : { branch };
    const commit = parseCommitHash(head.hash ?? '');
    if (!commit.ok) return named;
    // Not %cI: for a date that git cannot print, such as `@1 -0930`, the line has nothing in its place.
    const words = ['log', '-1', '--no-show-signature', '--no-mailmap', '--encoding=UTF-8', '--date=raw'];
    const shown = await git([...words, '--format=%cd%x00%s', commit.value]);
    if (shown.status !== 0) return named;
    const [date = '', commitLine = ''] = shown.stdout.replace(/\n$/, '').split('\0');
    const commitDate = formatCommitDate(date);
    return { ...named, commit: commit.value, commitLine, ...(commitDate !== undefined && { commitDate }) };
  } finally {
    await close();
  }
}

/** Returns the commit and branch of HEAD without asking git, for a comparison. */
export async function readHeadName(repo: string): Promise<string | undefined> {
  const folder = await readGitFolder(repo);
  if (!folder.ok) return folder.error;
  if (folder.value === undefined) return undefined;
  const { ref, hash } = await readHeadRef(folder.value);
  const commit = hash ?? 'no commit';
  return ref === undefined ? commit : `${ref.replace(/^refs\/heads\//, '')} (${commit})`;
}

/**
 * Formats a date of git as ISO 8601 with a time zone: `1768294800 +0100` is `2026-01-13T10:00:00+01:00`. Returns
 * undefined if there is none, or if the year is not one of four digits. Pure.
 */
export function formatCommitDate(text: string): string | undefined {
  const [, seconds, sign, hours, minutes] = /^(-?\d{1,12}) ([+-])(\d\d)(\d\d)$/.exec(text) ?? [];
  if (seconds === undefined || hours === undefined || minutes === undefined) return undefined;
  const isZone = Number(hours) < 24 && Number(minutes) < 60;
  const offset = isZone ? (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60) : 0;
  const local = new Date((Number(seconds) + offset) * 1000);
  if (Number.isNaN(local.getTime()) || !/^\d{4}-/.test(local.toISOString())) return undefined;
  return `${local.toISOString().slice(0, 19)}${isZone ? `${sign}${hours}:${minutes}` : '+00:00'}`;
}

/**
 * Returns the full hash of the commit that `--commit` names, or of HEAD without it. Commit statuses are found by the
 * full hash only.
 */
export async function resolveCommit(
  named: string | undefined,
  head: GitHead,
  { repo, environment }: { readonly repo: string; readonly environment: Environment },
): Promise<Result<CommitHash>> {
  if (named === undefined) {
    return head.commit === undefined
      ? refuse(`cannot determine the commit: no commit is checked out in ${quote(repo, 300)}; pass --commit`)
      : accept(head.commit);
  }
  if (fullHash.test(named)) return parseCommitHash(named, '--commit');
  if (named.startsWith('-')) return refuse(`cannot accept --commit ${quote(named)}: it starts with "-"`);
  const missing = refuse(`cannot accept --commit ${quote(named)}: no such commit in this repo`);
  const folder = await readGitFolder(repo);
  if (!folder.ok) return folder;
  if (folder.value === undefined) return missing;
  const view = await openRepoView(folder.value, { environment, withRefs: true });
  if (!view.ok) return view;
  const found = await view.value.git(['rev-parse', '--verify', '--quiet', `${named}^{commit}`]);
  await view.value.close();
  const commit = parseCommitHash(found.stdout.trim());
  return found.status === 0 && commit.ok ? commit : missing;
}
