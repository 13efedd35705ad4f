/** `soil-worker run JOB`: options -> a job that ran, its files, and its exit status; published where asked. */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FinishedOutcome } from '../model/outcome.js';
import type { Result } from '../model/result.js';
import { exit, type CommandContext } from './command-context.js';
import { containerRepo } from './container.js';
import { readGitFacts } from './git.js';
import { writeStepSummary } from './github-files.js';
import { planOrigin, type JobOrigin } from './identity.js';
import { chooseJob, type JobChoice } from './job-choice.js';
import { JobDisplay } from './job-display.js';
import { planOutFolder, prepareOutFolder } from './out-folder.js';
import type { FinishedJob, Progress } from './progress.js';
import { runJob } from './run-job.js';
import { withheldVariables } from './secret.js';

export interface RunOptions {
  readonly config?: string;
  readonly image?: string;
  readonly tasks?: string;
  readonly out?: string;
  readonly engine?: 'podman' | 'docker';
  readonly runId?: string;
  readonly attempt?: string;
}

/** A job that is about to run, with all that it needs. */
export interface PlannedJob extends JobChoice {
  readonly origin: JobOrigin;
  /** absolute; gets the files */
  readonly out: string;
}

/** Everything that can be wrong before the job begins, in one result. */
export async function planJob(
  name: string,
  options: RunOptions,
  context: CommandContext,
): Promise<Result<PlannedJob>> {
  const choice = await chooseJob(name, options, context);
  if (!choice.ok) return choice;
  const { repo, job, declaredJobs } = choice.value;
  const { environment, version: workerVersion } = context;
  const [git, githubEvent] = await Promise.all([readGitFacts(repo, environment), readEvent(context)]);
  const planned = planOrigin({
    ...{ environment, now: context.now(), git, job: job.name, declaredJobs, workerVersion },
    ...(options.runId !== undefined && { runId: options.runId }),
    ...(options.attempt !== undefined && { attempt: options.attempt }),
    ...(githubEvent !== undefined && { githubEvent }),
  });
  if (!planned.ok) return planned;
  for (const notice of planned.value.notices) context.warn(`notice: ${notice}`);
  const out = planOutFolder(options.out, { repo, cwd: context.cwd, job: job.name });
  const prepared = await prepareOutFolder(out, job.name);
  if (!prepared.ok) return prepared;
  return { ok: true, value: { ...choice.value, origin: planned.value.origin, out } };
}

/** A finished job, with the ends of its failed tasks' logs. */
export interface ExecutedJob extends FinishedJob {
  readonly tails: ReadonlyMap<string, string>;
}

/** Runs the job to its end, printing a line a task. `report` hears of everything, too. */
export async function executeJob(
  planned: PlannedJob,
  options: RunOptions,
  context: CommandContext,
  report: (progress: Progress) => void = () => undefined,
): Promise<ExecutedJob> {
  const isGithub = context.environment.GITHUB_ACTIONS === 'true';
  const roots = [containerRepo, planned.repo];
  const shown = new JobDisplay({ job: planned.job.name, context, isGithub, roots });
  const end = await runJob({
    ...{ job: planned.job, repo: planned.repo, out: planned.out, origin: planned.origin },
    ...(options.engine !== undefined && { engine: options.engine }),
    ...{ environment: context.environment, withheld: withheldVariables, cancel: context.cancel },
    report: (progress) => {
      shown.tell(progress);
      report(progress);
    },
  });
  return { ...end, tails: await shown.end(end) };
}

/** What a job came to, for whoever runs several. */
export interface JobEnd {
  readonly job: string;
  /** absent where it never began */
  readonly outcome?: FinishedOutcome;
  readonly status: number;
  /** of its run's page and the rest, where it is published */
  readonly urls: readonly string[];
}

/** `run` without `--publish`. */
export async function runPlain(name: string, options: RunOptions, context: CommandContext): Promise<JobEnd> {
  const planned = await planJob(name, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return { job: name, status: exit.wrongUse, urls: [] };
  }
  const end = await executeJob(planned.value, options, context);
  context.print(`files: ${dirname(end.files.json)}`);
  await writeStepSummary({ job: name, end, urls: [], tails: end.tails }, context);
  return { job: name, outcome: end.outcome, status: end.status, urls: [] };
}

/** The event file of GitHub; at most a few megabytes, since a push with many commits has a large one. */
async function readEvent({ environment, warn }: CommandContext): Promise<string | undefined> {
  const file = environment.GITHUB_EVENT_PATH;
  if (environment.GITHUB_ACTIONS !== 'true' || file === undefined || file === '') return undefined;
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > 32_000_000) throw new Error('it is larger than 32 MB');
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    warn(`notice: cannot read the file of GITHUB_EVENT_PATH: ${(error as Error).message}`);
    return undefined;
  }
}
