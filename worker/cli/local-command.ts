/** `soil-worker local JOB`: runs a job, and those that it needs, on a fresh clone of HEAD, without uncommitted changes. */
import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { parseJobName, type CommitHash } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { configName } from '../config/project-config.js';
import type { JobEnd } from '../job/job-pipeline.js';
import { runJobs } from '../job/run-jobs.js';
import type { JobOptions } from '../job/plan-job.js';
import { readPolicies } from '../policy/policy-file.js';
import { artifactsFolderName } from '../state/job-folder.js';
import { plain } from '../report/format-progress.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { listChangedFiles, type ChangedFile } from '../git/changed-files.js';
import { createFreshClone } from '../git/fresh-clone.js';
import { findRepo } from '../git/git-folder.js';
import { readGitHead } from '../git/git-head.js';
import { formatEnds } from './job-summary.js';
import { formatEndsAsJson, quietStdout } from './json-output.js';

export interface LocalOptions extends JobOptions {
  /** keep the clone after the job */
  readonly keep?: boolean;
  /** print how the job ended, as JSON on stdout */
  readonly json?: boolean;
}

/** Returns the job's exit status, or 2 if the repo cannot be cloned. */
export async function localCommand(
  name: string,
  options: LocalOptions,
  context: CommandContext,
): Promise<number> {
  const command = options.json === true ? quietStdout(context) : context;
  const ran = await runInClone(name, options, command);
  if (!ran.ok) {
    command.warn(ran.error);
    return exitStatus.usage;
  }
  const ends = ran.value;
  if (ends.length > 1) for (const line of formatEnds(ends)) command.print(line);
  const json = options.json === true ? await formatEndsAsJson(ends) : undefined;
  if (json !== undefined) context.print(json);
  return Math.max(...ends.map((end) => end.status));
}

/** Clones the repo, runs the job and those that it needs in the clone, and removes the clone. */
async function runInClone(
  name: string,
  options: LocalOptions,
  command: CommandContext,
): Promise<Result<readonly JobEnd[]>> {
  const { environment, cancel, print, warn } = command;
  const source = await planSource(name, command);
  if (!source.ok) return source;
  const { repo, commit } = source.value;
  command.status('cloning');
  const clone = await createFreshClone(repo, { environment, cancel });
  if (!clone.ok) return clone;
  const { folder, keep, remove } = clone.value;
  try {
    const needsConfig = options.config === undefined && options.tasks === undefined;
    if (needsConfig && !(await isFile(join(folder, configName)))) {
      return refuse(
        `cannot run job ${quote(name)}: commit ${commit.slice(0, 12)} has no ${configName}; ` +
          'commit the file, or use "soil-worker run"',
      );
    }
    const moved = moveOptions(options, { repo, folder, cwd: command.cwd });
    const ends = await runJobs([name], moved, { ...command, cwd: folder });
    if (!ends.ok) return ends;
    for (const { results } of ends.value) {
      for (const artifact of results?.artifacts ?? [])
        if (artifact.kind === 'stored' && results !== undefined)
          print(`artifact: ${join(dirname(results.copies.json), artifactsFolderName, artifact.name)}`);
    }
    return ends;
  } finally {
    if (options.keep === true) {
      keep();
      print(`kept the clone: ${folder}`);
    } else {
      const removed = await remove();
      if (!removed.ok) warn(`notice: ${removed.error}`);
    }
  }
}

interface Source {
  readonly repo: string;
  readonly commit: CommitHash;
}

/** Finds the commit to clone. Prints it, and the uncommitted changes that the clone will not contain. */
async function planSource(name: string, command: CommandContext): Promise<Result<Source>> {
  const { environment, cwd } = command;
  const job = parseJobName(name, 'job');
  if (!job.ok) return job;
  const repo = await findRepo(cwd);
  if (repo === undefined) return refuse(`cannot clone the repo: ${quote(cwd, 300)} is not in a git repo`);
  // The clone is elsewhere: a policy in this repo would not lie in the clone.
  const policies = await readPolicies({ environment, repo });
  if (!policies.ok) return policies;
  const { commit, commitLine = '' } = await readGitHead(repo, environment);
  if (commit === undefined) return refuse('cannot clone the repo: it has no commit yet');
  const uncommitted = await listChangedFiles(repo, environment);
  if (!uncommitted.ok) return uncommitted;
  command.print(`commit ${commit.slice(0, 12)}: ${plain(commitLine)}`);
  for (const line of formatUncommitted(uncommitted.value)) command.warn(line);
  return accept({ repo, commit });
}

const maxShownFiles = 20;

function formatUncommitted(files: readonly ChangedFile[]): string[] {
  if (files.length === 0) return [];
  const shown = files.slice(0, maxShownFiles).map(({ state, path }) => `  ${state} ${plain(path)}`);
  const more = files.length - shown.length;
  return [
    `not committed, so left out: ${files.length} ${files.length === 1 ? 'file or folder' : 'files or folders'}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** Resolves the paths of the options against `cwd`, since the job runs in the clone. Output goes to the repo. */
function moveOptions(
  options: LocalOptions,
  { repo, folder, cwd }: { readonly repo: string; readonly folder: string; readonly cwd: string },
): JobOptions {
  const { config, tasks, tokenFile, out } = options;
  return {
    ...options,
    outRepo: repo,
    ...(out !== undefined && { out: resolve(cwd, out) }),
    ...(config !== undefined && {
      config: pathInClone(resolve(cwd, config), repo, folder),
    }),
    ...(tasks !== undefined && tasks !== '-' && { tasks: resolve(cwd, tasks) }),
    ...(tokenFile !== undefined && { tokenFile: resolve(cwd, tokenFile) }),
  };
}

/** Returns the path of a file in the clone. A path outside the repo stays as it is. */
function pathInClone(file: string, repo: string, folder: string): string {
  const path = relative(repo, file);
  return path.startsWith('..') || isAbsolute(path) ? file : join(folder, path);
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
