/** Describes for a record what the working tree has that the commit does not, before the first command of a job. */
import { relative } from 'node:path';
import { maxUncommittedFiles, type UncommittedFiles } from '../../model/job-conditions.js';
import { recordSuffixes } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { listLeftovers } from '../checkout/leftover-files.js';
import type { ChangedFile } from '../git/changed-files.js';
import { readGitFolder } from '../git/git-folder.js';
import { findUncommitted } from '../git/uncommitted.js';
import { plain } from '../report/format-progress.js';
import { artifactsFolderName, buildLogName, logsFolderName } from '../state/job-folder.js';
import { outFolderName } from '../state/out-path.js';
import { openRepoState } from '../state/repo-state.js';
import type { CommandContext } from '../system/command-context.js';

export interface WorkingTreeOptions {
  readonly repo: string;
  /** the absolute path of the output folder; absent: `_soil` */
  readonly out?: string;
  /** refuse a working tree with changes, or of which that is unknown */
  readonly requireClean: boolean;
}

/**
 * Lists the changed and untracked files, without what earlier jobs made and Soil's own files. Fails where there is no git
 * repository, or none that can be read.
 */
export async function findTreeChanges(
  { repo, out }: Pick<WorkingTreeOptions, 'repo' | 'out'>,
  environment: CommandContext['environment'],
): Promise<Result<readonly ChangedFile[]>> {
  const [known, index] = (await isRepository(repo))
    ? await Promise.all([listLeftovers({ repo, environment }), openRepoState(environment, repo, 'index')])
    : [new Set<string>()];
  const copies = out === undefined ? undefined : relative(repo, out);
  const isOwn = (path: string): boolean =>
    path === outFolderName || path.startsWith(`${outFolderName}/`) || isCopy(path, copies);
  return findUncommitted({
    ...{ repo, environment, isKnown: (path) => known.has(path) || isOwn(path) },
    ...(index?.ok === true && { index: index.value }),
  });
}

/** Reports whether a path is of the copy of a job's files below `--out`, where the user may have other files. */
function isCopy(path: string, out: string | undefined): boolean {
  if (out === undefined || (out !== '' && !path.startsWith(`${out}/`))) return false;
  const [job = '', ...rest] = path.slice(out === '' ? 0 : out.length + 1).split('/');
  const name = rest[0] ?? '';
  const files = [buildLogName, ...recordSuffixes.map((suffix) => `${job}.${suffix}`)];
  return rest.length === 1 ? files.includes(name) : [logsFolderName, artifactsFolderName].includes(name);
}

async function isRepository(repo: string): Promise<boolean> {
  const folder = await readGitFolder(repo);
  return folder.ok && folder.value !== undefined;
}

/**
 * Counts and names the uncommitted changes. Prints them, or refuses them with `requireClean`. Returns `unknown` where there
 * is no git repository, or none that can be read.
 */
export async function describeWorkingTree(
  { repo, out, requireClean }: WorkingTreeOptions,
  { environment, warn }: CommandContext,
): Promise<Result<UncommittedFiles | 'unknown'>> {
  const found = await findTreeChanges({ repo, ...(out !== undefined && { out }) }, environment);
  if (!found.ok) {
    if (requireClean)
      return refuse(`cannot check for uncommitted changes, as --require-clean asks: ${found.error}`);
    if (await isRepository(repo))
      warn(`notice: it is unknown whether there are uncommitted changes: ${found.error}`);
    return accept('unknown');
  }
  const count = found.value.length;
  const files = found.value.slice(0, maxUncommittedFiles).map(({ state, path }) => `${state} ${path}`);
  const lines = [
    ...files.map((file) => `  ${plain(file)}`),
    ...(count > files.length ? [`  and ${count - files.length} more`] : []),
  ];
  const counted = `${count} uncommitted ${count === 1 ? 'change' : 'changes'}`;
  if (requireClean && count > 0) {
    return refuse(
      [`cannot run with --require-clean: ${counted} in ${quote(repo, 300)}`, ...lines].join('\n'),
    );
  }
  if (count > 0) for (const line of [`notice: ${counted}:`, ...lines]) warn(line);
  return accept({ count, files });
}
