/** `soil-worker run JOB`: options -> a job that ran, its files, and its exit status; published where asked. */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import type { FinishedOutcome } from '../../model/outcome.js';
import { accept, quote, type Result } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { containerRepo } from '../runner/container-host.js';
import { readGitHead } from '../system/git.js';
import { writeStepSummary } from '../report/github-outputs.js';
import { describeOrigin, type JobOrigin } from '../record/run-identity.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { chooseJob, type JobChoice } from '../config/load-job.js';
import { JobDisplay } from '../report/job-display.js';
import {
  writeLeftoverList,
  snapshotUntracked,
  removeLeftovers,
  type UntrackedSnapshot,
} from '../checkout/leftover-files.js';
import { createRedactor } from '../redact/redactor.js';
import { resolveSecrets, type Secret } from '../redact/secret-pattern.js';
import { outFolderPath, prepareOutFolder } from '../record/out-folder.js';
import type { FinishedJob, Progress } from '../record/progress.js';
import { refuseSecretNames } from '../record/redact-record.js';
import { runJob } from '../runner/run-job.js';
import { credentialVariables } from '../system/credentials.js';

export interface RunOptions {
  readonly config?: string;
  readonly image?: string;
  readonly tasks?: string;
  readonly out?: string;
  readonly engine?: 'podman' | 'docker';
  readonly runId?: string;
  readonly attempt?: string;
  /** remove what earlier jobs have made in the repo; unless set, on CI hosts only */
  readonly clean?: boolean;
}

/** A job that is about to run, with all that it needs. */
export interface PlannedJob extends JobChoice {
  readonly origin: JobOrigin;
  /** absolute; gets the files */
  readonly out: string;
  readonly secrets?: readonly Secret[];
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
  const [git, githubEvent] = await Promise.all([readGitHead(repo, environment), readEvent(context)]);
  const planned = describeOrigin({
    ...{ environment, now: context.now(), git, job: job.name, declaredJobs, workerVersion },
    ...(options.runId !== undefined && { runId: options.runId }),
    ...(options.attempt !== undefined && { attempt: options.attempt }),
    ...(githubEvent !== undefined && { githubEvent }),
  });
  if (!planned.ok) return planned;
  for (const notice of planned.value.notices) context.warn(`notice: ${notice}`);
  const secrets = planJobSecrets(job, context);
  if (!secrets.ok) return secrets;
  const out = outFolderPath(options.out, { repo, cwd: context.cwd, job: job.name });
  const prepared = await prepareOutFolder(out, job.name);
  if (!prepared.ok) return prepared;
  return { ok: true, value: { ...choice.value, origin: planned.value.origin, out, ...secrets.value } };
}

/** The values of the job's secrets, as this environment has them. */
export function planJobSecrets(
  job: JobDeclaration,
  { environment, warn }: CommandContext,
): Result<Pick<PlannedJob, 'secrets'>> {
  const planned = resolveSecrets(job.secrets ?? [], environment);
  if (!planned.ok) return planned;
  const { secrets, missing } = planned.value;
  for (const name of missing) warn(`notice: secret ${quote(name)} has no value here: tasks run without it`);
  if (secrets.length === 0) return accept({});
  const named = refuseSecretNames(job, createRedactor(secrets));
  return named.ok ? accept({ secrets }) : named;
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
  const { tasks, workingFolder } = planned.job;
  const folderOf = (task: string) => tasks.find(({ name }) => name === task)?.workingFolder ?? workingFolder;
  const shown = new JobDisplay({ job: planned.job.name, context, isGithub, roots, folderOf });
  const before = await prepareRepo(planned, options, context);
  const end = await runJob({
    ...{ job: planned.job, repo: planned.repo, out: planned.out, origin: planned.origin },
    ...(options.engine !== undefined && { engine: options.engine }),
    ...(planned.secrets === undefined ? {} : { secrets: planned.secrets }),
    ...{ environment: context.environment, hiddenVariables: credentialVariables, cancel: context.cancel },
    ...(context.forceCancel === undefined ? {} : { forceCancel: context.forceCancel }),
    report: (progress) => {
      shown.tell(progress);
      report(progress);
    },
  });
  if (before !== undefined) await rememberMade(planned, before, context);
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

/** Removes what earlier jobs have left where that is wanted; what git does not know now is none of this job's making. */
async function prepareRepo(
  { repo, origin }: PlannedJob,
  { clean = origin.host !== 'local' }: RunOptions,
  { environment, print, warn }: CommandContext,
): Promise<UntrackedSnapshot | undefined> {
  if (clean) {
    const removed = await removeLeftovers({ repo, environment }, print);
    if (!removed.ok) warn(`notice: ${removed.error}`);
  }
  return snapshotUntracked({ repo, environment });
}

async function rememberMade(
  { repo }: PlannedJob,
  before: UntrackedSnapshot,
  { environment, warn }: CommandContext,
): Promise<void> {
  await writeLeftoverList({ repo, environment }, before).catch((error: unknown) => {
    warn(`notice: cannot keep the list of what the job made: ${errorMessage(error)}`);
  });
}

/** `run` without `--publish`. */
export async function runPlain(name: string, options: RunOptions, context: CommandContext): Promise<JobEnd> {
  const planned = await planJob(name, options, context);
  if (!planned.ok) {
    context.warn(planned.error);
    return { job: name, status: exitStatus.usage, urls: [] };
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
    warn(`notice: cannot read the file of GITHUB_EVENT_PATH: ${errorMessage(error)}`);
    return undefined;
  }
}
