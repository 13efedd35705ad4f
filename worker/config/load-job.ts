/** Options of `run` and `list-jobs` -> the repo, its soil.yml, and the declaration of the job that is meant. */
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileErrorMessage } from '../../model/error-message.js';
import { parseJobName, type JobName } from '../../model/name.js';
import { formatHint } from '../../model/near-word.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseTaskList, type TaskDeclaration } from '../../model/task.js';
import type { CommandContext } from '../system/command-context.js';
import { configName, parseConfig } from './project-config.js';
import { findRepo } from '../system/git.js';
import type { ImageSource, JobDeclaration, ProjectConfig } from './job-declaration.js';
import { parseImage } from './soil-yml-values.js';
import { defaultGraceSeconds, defaultTimeoutSeconds } from './job-config.js';

export interface JobChoiceOptions {
  /** another file than soil.yml at the repo's root */
  readonly config?: string;
  /** instead of the job's own: an image's name, or none */
  readonly image?: string;
  /** instead of the job's own: a file of four columns, `-` for stdin */
  readonly tasks?: string;
}

export interface JobChoice {
  /** absolute */
  readonly repo: string;
  readonly job: JobDeclaration;
  readonly declaredJobs: readonly JobName[];
}

/** The root of the repo that the current folder is in; the current folder where it is in none. */
export async function chooseRepo(context: CommandContext): Promise<string> {
  return (await findRepo(context.cwd, context.environment)) ?? context.cwd;
}

/** Reads soil.yml; undefined where there is none and nobody named one. */
export async function readConfig(
  repo: string,
  cwd: string,
  named: string | undefined,
): Promise<Result<ProjectConfig | undefined>> {
  const file = named === undefined ? join(repo, configName) : resolve(cwd, named);
  const shown = relative(cwd, file) || file;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && named === undefined) return accept(undefined);
    return refuse(`cannot read ${quote(shown)}: ${fileErrorMessage(error)}`);
  }
  return parseConfig(text, shown);
}

/** Whoever waits for a job that was mistyped waits for nothing; one of another soil.yml may be meant, so it is no fault. */
export async function warnOfUnknownJob(job: JobName, context: CommandContext): Promise<void> {
  const config = await readConfig(await chooseRepo(context), context.cwd, undefined);
  if (!config.ok || config.value === undefined) return;
  const names = config.value.jobs.map(({ name }) => name);
  if (names.includes(job)) return;
  context.warn(
    `notice: soil.yml has no job ${quote(job)}${formatHint(job, names)}; it has ${names.join(', ')}`,
  );
}

/** The project's jobs; no soil.yml is a fault here. */
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
      return refuse(`${noConfig(repo)}; name one with --config, or --tasks FILE`);
    return refuse(
      `cannot run job ${quote(name.value)}: soil.yml has no such job; it has ${declaredJobs.join(', ')}${formatHint(name.value, declaredJobs)}`,
    );
  }
  const tasks = await readTaskFile(options.tasks, context);
  if (!tasks.ok) return tasks;
  if (job !== undefined) {
    return accept({ repo, job: withTasks(job, tasks.value), declaredJobs });
  }
  if (image.value === undefined) {
    return refuse(
      `cannot run job ${quote(name.value)}: soil.yml does not have it; name its --image, or none`,
    );
  }
  return accept({ repo, job: bareJob(name.value, image.value, tasks.value), declaredJobs });
}

/** Another image keeps the job's own rule for pulling. */
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

async function readTaskFile(file: string, context: CommandContext): Promise<Result<TaskDeclaration[]>> {
  if (file === '-') return parseTaskList(await context.readInput(), 'stdin');
  try {
    return parseTaskList(await readFile(resolve(context.cwd, file), 'utf8'), file);
  } catch (error) {
    return refuse(`cannot read task list ${quote(file)}: ${fileErrorMessage(error)}`);
  }
}

function bareJob(name: JobName, image: ImageSource, tasks: readonly TaskDeclaration[]): JobDeclaration {
  return {
    ...{ name, image, tasks, artifacts: [], needs: [], environment: {}, engineFlags: [] },
    ...{ timeoutSeconds: defaultTimeoutSeconds, graceSeconds: defaultGraceSeconds, stopOnFailure: false },
  };
}
