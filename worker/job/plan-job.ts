/** Plans a job from options, environment, git and soil.yml, so that a mistake in them is reported before the job starts. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isRaceFree } from '../../files/folder-entry.js';
import { fileErrorMessage } from '../../model/error-message.js';
import { parseJobName, type JobName } from '../../model/name.js';
import { identityOf, recordSchema } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import type { ImageSource, JobDeclaration } from '../config/job-declaration.js';
import { chooseJob, chooseRepo, type JobChoice, type JobChoiceOptions } from '../config/load-job.js';
import { probeImage } from '../engine/probe-image.js';
import { readGithubEvent } from '../policy/github-event.js';
import { admitPublishing, type TrustOptions } from '../policy/load-policies.js';
import { planTarget, type PublishOptions } from '../publish/publish-target.js';
import { refuseSecretNames } from '../record/redact-record.js';
import { describeOrigin } from '../record/run-identity.js';
import { findFlagSecrets } from '../redact/flag-secrets.js';
import { createRedactor } from '../redact/redactor.js';
import { resolveSecrets } from '../redact/secret-pattern.js';
import { jobFilePaths } from '../state/job-folder.js';
import { locateJob, lockJob } from '../state/job-state.js';
import { OutFolder } from '../state/out-folder.js';
import { removeForgottenState } from '../state/repo-state.js';
import type { CommandContext } from '../system/command-context.js';
import { checkRepository } from '../git/alternates.js';
import { readGitHead } from '../git/git-head.js';
import { admitJobHere } from './admit-jobs.js';
import type { PlannedJob, StoredJob } from './job-context.js';
import { describeWorkingTree } from './working-tree.js';

/** The options of `run` and `local` that describe one job. */
export interface JobOptions extends JobChoiceOptions, PublishOptions, TrustOptions {
  readonly config?: string;
  readonly out?: string;
  /** the repo that contains the default of `out`, if it is not the one in which the job runs */
  readonly outRepo?: string;
  readonly engine?: 'podman' | 'docker';
  readonly runId?: string;
  readonly attempt?: string;
  /** remove what earlier jobs left in the repo; default: only on CI hosts */
  readonly clean?: boolean;
  readonly publish?: boolean;
  /** refuse a working tree with uncommitted changes */
  readonly requireClean?: boolean;
  /** false: run the named jobs whatever they need */
  readonly needs?: boolean;
}

/** The images whose tasks run in the worker's own working tree. */
const sharingImages: readonly ImageSource['kind'][] = ['none', 'named', 'file', 'build'];

/** Plans a job that is to run, and prepares its output folder. */
export async function planJob(
  name: string,
  options: JobOptions,
  command: CommandContext,
): Promise<Result<PlannedJob>> {
  const target = options.publish === true ? await planTarget(options, command) : accept(undefined);
  if (!target.ok) return target;
  const choice = await chooseJob(name, options, command);
  if (!choice.ok) return choice;
  const { repo } = choice.value;
  const admitted = await admitJobHere(choice.value, options, command);
  if (!admitted.ok) return admitted;
  const declaration = admitted.value;
  const job = declaration.name;
  if (!isRaceFree() && sharingImages.includes(declaration.image.kind)) {
    return refuse(
      `cannot run job ${quote(job)}: this machine has no /proc/self/fd, without which a task that shares files with ` +
        'the worker could redirect it to other files; run the job on Linux, or over SSH (image: ssh:USER@HOST)',
    );
  }
  const repository = await checkRepository(repo);
  if (!repository.ok) return repository;
  // Both take a while, and do not depend on each other.
  const probe = probeImage(declaration.image, command.environment, options.engine);
  const planned = await planOrigin(choice.value, options, command);
  if (!planned.ok) return planned;
  const { origin, identity } = planned.value;
  if (options.publish === true && origin.commit === undefined) return refuse(describeNoCommit(job, repo));
  const tree = await describeWorkingTree(
    {
      ...{ repo, requireClean: options.requireClean === true },
      ...(options.out !== undefined && { out: resolve(command.cwd, options.out) }),
    },
    command,
  );
  if (!tree.ok) return tree;
  const secrets = await planJobSecrets(declaration, repo, command);
  if (!secrets.ok) return secrets;
  const files = await openJobFiles(job, { ...options, repo }, command);
  if (!files.ok) return files;
  const { engineFlags, git } = declaration;
  return accept({
    ...{ command, repo, job, declaration, identity, probe, ...files.value, ...secrets.value },
    origin: {
      ...origin,
      uncommitted: tree.value,
      ...(engineFlags.length > 0 && { engineFlags }),
      ...(git !== undefined && { git }),
    },
    clean: options.clean ?? origin.host !== 'local',
    ...(origin.commit !== undefined && { commit: origin.commit }),
    ...(options.engine !== undefined && { engine: options.engine }),
    ...(target.value !== undefined && { target: target.value }),
  });
}

/** Says what to do where nothing is committed: the server refuses a status without a commit. */
export const describeNoCommit = (job: JobName, repo: string): string =>
  `cannot publish job ${quote(job)}: ${quote(repo, 300)} has no commit, and results are published for one. Commit first: git commit`;

/** Identifies the run and the commit of a job that is to run, or that runs in a later step. Prints what is odd about them. */
export async function planOrigin(
  { repo, job: { name: job }, declaredJobs }: JobChoice,
  options: Pick<JobOptions, 'runId' | 'attempt'>,
  command: CommandContext,
): Promise<Result<Pick<PlannedJob, 'origin' | 'identity'>>> {
  const { environment, version: workerVersion } = command;
  const [git, githubEvent] = await Promise.all([readGitHead(repo, environment), readGithubEvent(command)]);
  const planned = describeOrigin({
    ...{ environment, now: command.now(), git, job, declaredJobs, workerVersion },
    ...(options.runId !== undefined && { runId: options.runId }),
    ...(options.attempt !== undefined && { attempt: options.attempt }),
    ...(githubEvent !== undefined && { githubEvent }),
  });
  if (!planned.ok) return planned;
  const { origin, notices } = planned.value;
  for (const notice of notices) command.warn(`notice: ${notice}`);
  const identity = identityOf({ ...origin, schema: recordSchema, tasks: [] }, { job });
  return identity.ok ? accept({ origin, identity: identity.value }) : identity;
}

/** Opens the job's folder in the worker's state and the folder for its copy, and takes the job's lock. */
async function openJobFiles(
  job: JobName,
  { out, repo, outRepo = repo }: Pick<JobOptions, 'out' | 'outRepo'> & { readonly repo: string },
  { environment, cwd }: CommandContext,
): Promise<Result<Pick<PlannedJob, 'out' | 'state' | 'folder' | 'copy' | 'copiesArtifacts' | 'release'>>> {
  const located = await locateJob(environment, { repo: outRepo, cwd, out, job });
  if (!located.ok) return located;
  const copy = await OutFolder.open(located.value.out, job);
  if (!copy.ok) return copy;
  const lock = await lockJob(located.value, job);
  if (!lock.ok) {
    copy.value.close();
    return lock;
  }
  return accept({
    ...{ out: copy.value.path, copy: copy.value },
    ...{ state: located.value.state, folder: located.value.folder },
    copiesArtifacts: outRepo !== repo,
    release: async () => {
      copy.value.close();
      await lock.value.release();
      await removeForgottenState(located.value.state);
    },
  });
}

/**
 * Reads the values of a job's secrets from the environment, and those of variables that its `engine-flags` give to the
 * tasks. A missing value is a notice.
 */
export async function planJobSecrets(
  job: JobDeclaration,
  repo: string,
  { environment, warn }: CommandContext,
): Promise<Result<Pick<PlannedJob, 'secrets'>>> {
  const planned = resolveSecrets(job.secrets ?? [], environment);
  if (!planned.ok) return planned;
  const { secrets, missing } = planned.value;
  for (const name of missing) warn(`notice: secret ${quote(name)} is not set: tasks run without it`);
  const given = await findFlagSecrets(job.engineFlags, { environment, repo });
  for (const notice of given.notices) warn(`notice: ${notice}`);
  const fromFlags = given.secrets.filter((secret) => {
    if (refuseSecretNames(job, createRedactor([secret])).ok) return true;
    warn(
      `notice: cannot redact variable ${quote(secret.name)} of engine-flags: a name of the job contains it`,
    );
    return false;
  });
  if (secrets.length + fromFlags.length === 0) return accept({});
  const checked = refuseSecretNames(job, createRedactor(secrets));
  return checked.ok ? accept({ secrets: [...secrets, ...fromFlags] }) : checked;
}

/** Plans to publish the files that an earlier run stored. */
export async function planStoredJob(
  name: string,
  options: PublishOptions,
  command: CommandContext,
): Promise<Result<StoredJob>> {
  const parsed = parseJobName(name, 'job');
  if (!parsed.ok) return parsed;
  const job = parsed.value;
  const target = await planTarget(options, command);
  if (!target.ok) return target;
  const repo = await chooseRepo(command);
  const allowed = await admitPublishing(`publish job ${quote(job)}`, repo, command);
  if (!allowed.ok) return allowed;
  const located = await locateJob(command.environment, { repo, cwd: command.cwd, out: options.out, job });
  if (!located.ok) return located;
  const { folder } = located.value;
  const out = join(located.value.out.path, job);
  const files = jobFilePaths(folder, job);
  let text: string;
  try {
    text = await readFile(files.json, 'utf8');
  } catch (error) {
    return refuse(
      `cannot publish job ${quote(job)}: cannot read its results for ${quote(out, 300)}: ${fileErrorMessage(error)}. ` +
        `Run the job first: soil-worker run ${job}`,
    );
  }
  const record = parseRecord(text);
  if (!record.ok) return refuse(`${files.json}: ${record.error}`);
  const identity = identityOf(record.value, { job });
  if (!identity.ok) return identity;
  const { commit } = record.value;
  return accept({
    ...{ command, repo, job, identity: identity.value, out, folder, target: target.value },
    ...{ record: record.value, files },
    ...(commit !== undefined && { commit }),
  });
}
