/** `soil-worker local JOB`: a job on a fresh clone of HEAD, so that nothing uncommitted leaks in; its status and files. */
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { parseJobName } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { configName } from '../config/project-config.js';
import { listUncommitted, createFreshClone, type FreshClone } from '../checkout/fresh-clone.js';
import { findRepo, readGitHead } from '../system/git.js';
import { readConfig } from '../config/load-job.js';
import { plain } from '../report/format-progress.js';
import { artifactsFolderName, outFolderName, outFolderPath } from '../record/out-folder.js';
import type { PublishOptions } from '../publish/publish-target.js';
import { runPlain, type RunOptions } from './execute-job.js';

export interface LocalOptions extends RunOptions, PublishOptions {
  readonly publish?: boolean;
  /** leave the clone where it is */
  readonly keep?: boolean;
  /** what the job came to, on stdout as JSON */
  readonly json?: boolean;
}

export async function localCommand(
  name: string,
  options: LocalOptions,
  context: CommandContext,
): Promise<number> {
  const run = (within: CommandContext) => runLocal(name, options, within);
  if (options.json !== true) return run(context);
  return (await import('./json-output.js')).runAsJson(run, { name, ...options }, context);
}

async function runLocal(name: string, options: LocalOptions, context: CommandContext): Promise<number> {
  const { environment, cwd } = context;
  const refused = (sentence: string): number => {
    context.warn(sentence);
    return exitStatus.usage;
  };
  const job = parseJobName(name, 'job');
  if (!job.ok) return refused(job.error);
  const repo = await findRepo(cwd, environment);
  if (repo === undefined) return refused(`cannot clone the repo: ${JSON.stringify(cwd)} is in none`);
  const { commit, commitLine = '' } = await readGitHead(repo, environment);
  if (commit === undefined) return refused('cannot clone the repo: it has no commit yet');
  const left = await listUncommitted(repo, environment);
  if (!left.ok) return refused(left.error);
  context.print(`commit ${commit.slice(0, 12)}: ${plain(commitLine)}`);
  for (const line of formatLeftOut(left.value)) context.warn(line);
  context.status('cloning');
  const clone = await createFreshClone(repo, { environment, cancel: context.cancel });
  if (!clone.ok) return refused(clone.error);
  try {
    const hasTasks = options.config !== undefined || options.tasks !== undefined;
    if (!hasTasks && !(await isFile(join(clone.value.folder, configName)))) {
      return refused(
        `cannot run job ${quote(name)}: ${configName} is not in commit ${commit.slice(0, 12)}; ` +
          'commit it, or use soil-worker run',
      );
    }
    return await runInClone(clone.value, { name, repo, options, context });
  } finally {
    if (options.keep === true) {
      clone.value.keep();
      context.print(`the clone is kept: ${clone.value.folder}`);
    } else {
      const removed = await clone.value.remove();
      if (!removed.ok) context.warn(`notice: ${removed.error}`);
    }
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const shownFiles = 20;

function formatLeftOut(files: readonly string[]): string[] {
  if (files.length === 0) return [];
  const shown = files.slice(0, shownFiles).map((file) => `  ${plain(file)}`);
  const more = files.length - shown.length;
  return [
    `left out, since it is not committed: ${files.length} ${files.length === 1 ? 'file or folder' : 'files or folders'}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

interface LocalRun {
  readonly name: string;
  readonly repo: string;
  readonly options: LocalOptions;
  readonly context: CommandContext;
}

async function runInClone(
  { folder }: FreshClone,
  { name, repo, options, context }: LocalRun,
): Promise<number> {
  const job = parseJobName(name, 'job');
  if (!job.ok) return exitStatus.usage;
  const { cwd } = context;
  // The files go where those of `run` go: the clone is not there any more when they are looked at.
  const out = options.out === undefined ? join(repo, outFolderName) : resolve(cwd, options.out);
  const config =
    options.config === undefined ? undefined : inClone(resolve(cwd, options.config), repo, folder);
  const tasks =
    options.tasks === undefined || options.tasks === '-' ? options.tasks : resolve(cwd, options.tasks);
  const here = {
    ...{ ...options, out },
    ...(config !== undefined && { config, laterConfig: resolve(cwd, options.config ?? '') }),
    ...(tasks !== undefined && { tasks }),
    ...(options.tokenFile !== undefined && { tokenFile: resolve(cwd, options.tokenFile) }),
  };
  const inside: CommandContext = { ...context, cwd: folder };
  const { status } =
    options.publish === true
      ? await (await import('./run-and-publish.js')).runAndPublish(name, here, inside)
      : await runPlain(name, here, inside);
  await keepArtifacts(outFolderPath(out, { repo, cwd, job: job.value }), { name, folder, config, context });
  return status;
}

/** A file of the repo as HEAD has it; one from elsewhere was meant as it is. */
function inClone(file: string, repo: string, folder: string): string {
  const path = relative(repo, file);
  return path.startsWith('..') || isAbsolute(path) ? file : join(folder, path);
}

/** What a job is to publish for its commit would go with the clone: `publish` finds it beside the job's files. */
async function keepArtifacts(
  jobFolder: string,
  {
    name,
    folder,
    config: named,
    context,
  }: {
    readonly name: string;
    readonly folder: string;
    readonly config: string | undefined;
    readonly context: CommandContext;
  },
): Promise<void> {
  const config = await readConfig(folder, folder, named);
  const jobs = config.ok ? (config.value?.jobs ?? []) : [];
  const artifacts = jobs.find((job) => job.name === name)?.artifacts ?? [];
  for (const path of artifacts) {
    const file = join(folder, path);
    const isFile = await stat(file).then(
      (facts) => facts.isFile(),
      () => false,
    );
    if (!isFile) continue;
    const kept = join(jobFolder, artifactsFolderName, basename(path));
    try {
      await mkdir(join(jobFolder, artifactsFolderName), { recursive: true });
      await copyFile(file, kept);
      context.print(`artifact: ${kept}`);
    } catch (error) {
      context.warn(`notice: cannot keep artifact ${kept}: ${errorMessage(error)}`);
    }
  }
}
