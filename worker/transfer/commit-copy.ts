/**
 * Makes a small git repository of the commit that is checked out, so that `git describe`, `git log -1` and `git status` work
 * on a task host that cannot mount the repo. It is shallow, and has nothing of the repo's configuration, hooks or remotes.
 */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { gitReason, type Environment } from '../git/git.js';
import { readGitFolder } from '../git/git-folder.js';
import { openRepoView, type RepoView } from '../git/repo-view.js';

/** A file or folder of the copy. */
export interface CommitCopyEntry {
  /** as in `.git/HEAD` */
  readonly name: string;
  readonly path: string;
  /** undefined for a folder */
  readonly size?: number;
}

export interface CommitCopy {
  readonly entries: readonly CommitCopyEntry[];
  /** removes the files of this machine */
  readonly close: () => Promise<void>;
}

/**
 * Writes the copy to a temporary folder: HEAD, the branch, the tags of the commit, the index, and a pack with the commit and
 * its files. A repo without a commit has only HEAD. Returns undefined outside a git repo.
 */
export async function copyCommit(
  repo: string,
  environment: Environment,
): Promise<Result<CommitCopy | undefined>> {
  const because = (reason: string) => refuse(`cannot copy the commit of ${quote(repo, 300)}: ${reason}`);
  const folder = await readGitFolder(repo);
  if (!folder.ok) return because(folder.error);
  if (folder.value === undefined) return accept(undefined);
  const opened = await openRepoView(folder.value, { environment, withRefs: true });
  if (!opened.ok) return because(opened.error);
  const view = opened.value;
  try {
    const failure = await fill(view);
    if (failure !== undefined) {
      await view.close();
      return because(failure);
    }
    return accept({ entries: await listEntries(view.gitDir, '.git'), close: view.close });
  } catch (error) {
    await view.close();
    throw error;
  }
}

const limits = { timeoutSeconds: 600, maxOutputBytes: 10_000_000 } as const;

/** Turns the view of the repo into the copy. Returns why git failed, if it did. */
async function fill({ gitDir, head, git }: RepoView): Promise<string | undefined> {
  const { hash, ref } = head;
  const write = (name: string, text: string) => writeFile(join(gitDir, name), text);
  if (hash !== undefined) {
    const tags = await git(
      ['for-each-ref', `--points-at=${hash}`, '--format=%(objectname) %(refname)', 'refs/tags'],
      limits,
    );
    if (tags.status !== 0) return gitReason(tags);
    await write('packed-refs', `${tags.stdout}${ref === undefined ? '' : `${hash} ${ref}\n`}`);
    await write('shallow', `${hash}\n`);
    const ends = await Promise.all([
      git(['repack', '-a', '-d', '-q'], limits),
      git(['read-tree', 'HEAD'], limits),
    ]);
    const failed = ends.find((end) => end.status !== 0);
    if (failed !== undefined) return gitReason(failed);
  }
  await rm(join(gitDir, 'objects/info'), { recursive: true });
  await write('config', configText(hash));
  return undefined;
}

const configText = (hash: string | undefined): string =>
  hash?.length === 64
    ? '[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n'
    : '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n';

async function listEntries(path: string, name: string): Promise<readonly CommitCopyEntry[]> {
  const found: CommitCopyEntry[] = [{ name, path }];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await listEntries(inner, `${name}/${entry.name}`)));
    else found.push({ name: `${name}/${entry.name}`, path: inner, size: (await stat(inner)).size });
  }
  return found;
}
