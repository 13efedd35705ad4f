/**
 * Makes a small git repository of the commit that is checked out, so that `git describe`, `git log -1` and `git status` work
 * on a task host that cannot mount the repo. It is shallow, and has nothing of the repo's configuration, hooks or remotes.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { listAlternates } from '../git/alternates.js';
import { gitReason, runGit, type Environment } from '../git/git.js';
import { readGitFolder } from '../git/git-folder.js';
import { readGit } from '../git/repo-view.js';

export interface CommitCopyOptions {
  /** a real path */
  readonly repo: string;
  readonly environment: Environment;
  /** an empty folder of the worker, in which the copy is made */
  readonly scratch: string;
}

/** A file or folder of the copy. */
export interface CommitCopyEntry {
  /** as in `.git/HEAD` */
  readonly name: string;
  readonly path: string;
  /** undefined for a folder */
  readonly size?: number;
}

const seconds = { timeoutSeconds: 600 } as const;

/**
 * Writes the copy and returns its files: HEAD, the branch, the tags of the commit, the index, and a pack with the commit and
 * its files. A repo without a commit has only HEAD.
 */
export async function copyCommit(options: CommitCopyOptions): Promise<Result<readonly CommitCopyEntry[]>> {
  const { repo, environment, scratch } = options;
  const read = (...words: readonly string[]) => readGit(words, { environment, repo, ...seconds });
  const source = await readGitFolder(repo);
  if (!source.ok) return source;
  if (source.value === undefined)
    return refuse(`cannot read the commit of ${quote(repo, 300)}: no git repository`);
  const { commonDir } = source.value;
  const alternates = await listAlternates(commonDir);
  if (!alternates.ok) return alternates;
  const [facts, branch, tags] = await Promise.all([
    read('rev-parse', '--show-object-format', 'HEAD'),
    read('symbolic-ref', '--quiet', 'HEAD'),
    read('for-each-ref', '--points-at=HEAD', '--format=%(objectname) %(refname)', 'refs/tags'),
  ]);
  const [format = '', commit = ''] = facts.stdout.split('\n');
  if (!/^sha\d+$/.test(format)) {
    return refuse(`cannot read the commit of ${quote(repo, 300)}: ${gitReason(facts)}`);
  }
  const folder = join(scratch, '.git');
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const head = branch.stdout.trim();
  await write('config', configText(format));
  await write('HEAD', head.startsWith('refs/heads/') ? `ref: ${head}\n` : `${commit}\n`);
  if (facts.status === 0 && /^[0-9a-f]{40,64}$/.test(commit)) {
    await write('shallow', `${commit}\n`);
    const refs = [...tags.stdout.split('\n').filter((line) => /^[0-9a-f]{40,64} refs\/tags\//.test(line))];
    if (head.startsWith('refs/heads/')) refs.push(`${commit} ${head}`);
    await write('packed-refs', refs.map((line) => `${line}\n`).join(''));
    const filled = await fill(options, { folder, objects: join(commonDir, 'objects') });
    if (!filled.ok) return filled;
  }
  return accept(await listEntries(scratch, '.git'));
}

const configText = (format: string): string =>
  format === 'sha1'
    ? '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n'
    : `[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = false\n[extensions]\n\tobjectformat = ${format}\n`;

/** Packs the objects and writes the index. git works in the copy, so that it reads no configuration of the repo. */
async function fill(
  { environment, scratch, repo }: CommitCopyOptions,
  { folder, objects }: { readonly folder: string; readonly objects: string },
): Promise<Result<undefined>> {
  // A path in double quotes is unquoted as in C.
  const escaped = objects.replace(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
  const alternates = join(folder, 'objects/info/alternates');
  await writeFile(alternates, `"${escaped}"\n`);
  const inCopy = (...words: readonly string[]) =>
    runGit(['--git-dir', folder, ...words], { environment, cwd: scratch, ...seconds });
  const [packed, indexed] = await Promise.all([
    inCopy('repack', '-a', '-d', '-q'),
    inCopy('read-tree', 'HEAD'),
  ]);
  const failed = [packed, indexed].find((end) => end.status !== 0);
  await rm(alternates);
  if (failed === undefined) return accept(undefined);
  return refuse(`cannot copy the commit of ${quote(repo, 300)}: ${gitReason(failed)}`);
}

async function listEntries(scratch: string, folder: string): Promise<readonly CommitCopyEntry[]> {
  const found: CommitCopyEntry[] = [{ name: folder, path: join(scratch, folder) }];
  for (const entry of await readdir(join(scratch, folder), { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    const path = join(scratch, name);
    if (entry.isDirectory()) found.push(...(await listEntries(scratch, name)));
    else found.push({ name, path, size: (await stat(path)).size });
  }
  return found;
}
