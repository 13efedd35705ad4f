/** Finds the repository and reads its soil.yml, for commands that take the name of a job. */
import { join, relative, resolve } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { parseJobName, type JobName } from '../../model/name.js';
import { formatHint } from '../../model/near-word.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseTaskList, type TaskDeclaration } from '../../model/task.js';
import type { CommandContext } from '../system/command-context.js';
import { configName, parseConfig } from './project-config.js';
import { findRepo } from '../git/git-folder.js';
import { readNamedText } from '../system/named-file.js';
import type { ImageSource, JobDeclaration, ProjectConfig } from './job-declaration.js';
import { parseImage } from './soil-yml-values.js';
import { defaultGraceSeconds, defaultTimeoutSeconds } from './job-config.js';

export interface JobChoiceOptions {
  /** a file to read instead of soil.yml at the root of the repository */
  readonly config?: string;
  /** replaces the job's image: an image name, or none */
  readonly image?: string;
  /** replaces the job's tasks: a file with four columns, or `-` for stdin */
  readonly tasks?: string;
}

export interface JobChoice {
  /** absolute */
  readonly repo: string;
  readonly job: JobDeclaration;
  readonly declaredJobs: readonly JobName[];
}

/** Returns the root of the repository that contains the current folder, or the current folder if there is none. */
export async function chooseRepo(context: CommandContext): Promise<string> {
  return (await findRepo(context.cwd)) ?? context.cwd;
}

/** Reads soil.yml, or the file that an option names. Returns undefined if there is no soil.yml and no option. */
export async function readConfig(
  repo: string,
  cwd: string,
  named: string | undefined,
): Promise<Result<ProjectConfig | undefined>> {
  const file = named === undefined ? join(repo, configName) : resolve(cwd, named);
  const shown = relative(cwd, file) || file;
  let text: string;
  try {
    text = await readNamedText({ repo, cwd, file });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && named === undefined) return accept(undefined);
    return refuse(`cannot read ${quote(shown)}: ${errorMessage(error)}`);
  }
  return parseConfig(text, shown);
}

/** Warns about a job that soil.yml does not have. It is not an error, because the job can be in another repository's soil.yml. */
export async function warnOfUnknownJob(job: JobName, context: CommandContext): Promise<void> {
  const config = await readConfig(await chooseRepo(context), context.cwd, undefined);
  if (!config.ok || config.value === undefined) return;
  const names = config.value.jobs.map(({ name }) => name);
  if (names.includes(job)) return;
  context.warn(
    `notice: soil.yml has no job ${quote(job)}${formatHint(job, names)}; its jobs are ${names.join(', ')}`,
  );
}

/** Reads soil.yml, or the file that an option names. A missing file is an error. */
export async function readProject(
  context: CommandContext,
  named: string | undefined,
): Promise<Result<ProjectConfig>> {
  const repo = await chooseRepo(context);
  const config = await readConfig(repo, context.cwd, named);
  if (!config.ok) return config;
  return config.value === undefined ? refuse(noConfig(repo)) : accept(config.value);
}

const noConfig = (repo: string): string =>
  `cannot read ${quote(join(repo, configName))}: no such file or directory`;

/** Reads a job from soil.yml, with the image and tasks of the options. With both options, soil.yml need not have the job. */
export async function chooseJob(
  text: string,
  options: JobChoiceOptions,
  context: CommandContext,
): Promise<Result<JobChoice>> {
  const name = parseJobName(text, 'job');
  if (!name.ok) return name;
  const image = options.image === undefined ? accept(undefined) : parseImage(options.image, '--image');
  if (!image.ok) return image;
  const repo = await chooseRepo(context);
  const config = await readConfig(repo, context.cwd, options.config);
  if (!config.ok) return config;
  const jobs = config.value?.jobs ?? [];
  const declared = jobs.find((job) => job.name === name.value);
  const declaredJobs = jobs.map((job) => job.name);
  const job = declared && withImage(declared, image.value);
  if (options.tasks === undefined) {
    if (job !== undefined) return accept({ repo, job, declaredJobs });
    if (config.value === undefined)
      return refuse(`${noConfig(repo)}. Use --config FILE, or --image and --tasks FILE`);
    return refuse(
      `cannot run job ${quote(name.value)}: soil.yml has no such job; its jobs are ${declaredJobs.join(', ')}${formatHint(name.value, declaredJobs)}`,
    );
  }
  const tasks = await readTaskFile(options.tasks, repo, context);
  if (!tasks.ok) return tasks;
  if (job !== undefined) {
    return accept({ repo, job: withTasks(job, tasks.value), declaredJobs });
  }
  if (image.value === undefined) {
    return refuse(
      `cannot run job ${quote(name.value)}: soil.yml has no such job. To run it, use --image IMAGE, or --image none`,
    );
  }
  return accept({ repo, job: bareJob(name.value, image.value, tasks.value), declaredJobs });
}

/** Replaces the image and keeps the job's rule for pulling. */
function withImage(job: JobDeclaration, image: ImageSource | undefined): JobDeclaration {
  if (image === undefined) return job;
  if (image.kind !== 'named' || job.image.kind !== 'named') return { ...job, image };
  return { ...job, image: { ...job.image, name: image.name } };
}

function withTasks(job: JobDeclaration, tasks: readonly TaskDeclaration[]): JobDeclaration {
  const rest: { -readonly [K in keyof JobDeclaration]: JobDeclaration[K] } = { ...job, tasks };
  delete rest.tasksFrom;
  return rest;
}

async function readTaskFile(
  file: string,
  repo: string,
  context: CommandContext,
): Promise<Result<TaskDeclaration[]>> {
  if (file === '-') return parseTaskList(await context.readInput(), 'stdin');
  try {
    return parseTaskList(await readNamedText({ repo, cwd: context.cwd, file }), file);
  } catch (error) {
    return refuse(`cannot read task list ${quote(file)}: ${errorMessage(error)}`);
  }
}

function bareJob(name: JobName, image: ImageSource, tasks: readonly TaskDeclaration[]): JobDeclaration {
  return {
    ...{ name, image, tasks, artifacts: [], needs: [], environment: {}, engineFlags: [] },
    ...{ timeoutSeconds: defaultTimeoutSeconds, graceSeconds: defaultGraceSeconds, stopOnFailure: false },
  };
}
