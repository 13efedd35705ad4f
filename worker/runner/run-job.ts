/** Runs one job: prepares its image, runs its tasks, and writes its record, rows and archive. */
import { arch, availableParallelism, hostname, release, totalmem, type as systemType } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from '../../model/error-message.js';
import { foldTasks, jobStatus, type FinishedOutcome } from '../../model/outcome.js';
import { recordSchema, type JobRecord, type MachineRecord } from '../../model/record.js';
import { quote, type Result } from '../../model/result.js';
import { builtinName, builtinVariable } from '../config/builtin-task.js';
import { TryRunner, cancelReason, type JobAbort } from './try-runner.js';
import { createJobFolder, type JobFolder } from '../state/job-folder.js';
import { chooseHost, listWanted } from '../host/choose-host.js';
import type { SshHost } from '../host/ssh-host.js';
import { createGitLayer, type GitLayer } from '../host/git-layer.js';
import { createHostPool } from '../host/host-pool.js';
import type { FinishedTasks } from '../record/write-record.js';
import { isGitName, isHiddenName } from '../system/hidden-variables.js';
import { createRedactor, type Redactor } from '../redact/redactor.js';
import type { FinishedJob, ImageMethod, RunJobOptions } from '../record/progress.js';
import { prepareImage, type HostOptions, type PreparedImage } from '../engine/prepare-image.js';
import type { ImageProbe } from '../engine/probe-image.js';
import { redactProgress, redactRecord, redactRow } from '../record/redact-record.js';
import { restoreOwnership } from './restore-ownership.js';
import { listTasks } from './list-tasks.js';
import { watchHead } from './same-head.js';
import { runTasks } from './task-scheduler.js';
import { describeSkippedJob } from './skipped-job.js';
import { skippedRow, type TaskRunOptions } from './run-task.js';

/** How the tasks ended. */
interface TasksResult extends FinishedTasks {
  readonly skips?: ReadonlyMap<string, string>;
  readonly notes?: ReadonlyMap<string, string>;
  readonly abort?: JobAbort;
  /** the other machine, if the tasks ran on one */
  readonly remote?: SshHost;
}

/** The options of a job, and what was begun before it. */
export interface JobRunOptions extends RunJobOptions {
  /** the result of probeImage() for the job's image, if it was called early */
  readonly probe?: Promise<ImageProbe | undefined>;
}

/**
 * Runs a job. A failure of the job, the engine or the machine is an outcome, not an exception. Throws only if the output
 * folder cannot be written, since a record cannot be written then.
 */
export async function runJob(given: JobRunOptions): Promise<FinishedJob> {
  const redactor = given.secrets === undefined ? undefined : createRedactor(given.secrets);
  const options: JobRunOptions =
    redactor === undefined
      ? given
      : {
          ...given,
          report: (progress) => {
            given.report(redactProgress(progress, redactor));
          },
        };
  const folder = await createJobFolder(options.out, options.job.name);
  try {
    const { record, end, imageMethod } = await describeOrRun(options, folder, redactor);
    await folder.releaseReserve('archive');
    const writeRecord = await loadRecordWriter();
    const tasks = { ...end, ...(imageMethod !== undefined && { imageMethod }) };
    const fetched = end.remote?.resultFolder;
    const where = fetched === undefined ? options : { ...options, repo: fetched, ownFolders: [] };
    const finished =
      redactor === undefined
        ? await writeRecord(record, tasks, folder, where)
        : await writeRecord(
            redactRecord(record, redactor),
            { ...tasks, rows: end.rows.map((row) => redactRow(row, redactor)) },
            folder,
            { ...where, redactor },
          );
    return { ...finished, ...(fetched !== undefined && { fetched }) };
  } finally {
    await folder.close().catch((error: unknown) => {
      const reason = errorMessage(error);
      options.report({ kind: 'notice', text: `cannot remove ${quote(folder.control, 300)}: ${reason}` });
    });
  }
}

/** Loads the code that packs the results. It is a third of all code, and not needed before the tasks have run. */
async function loadRecordWriter() {
  const [{ writeRecord }, { loadTemplates }] = await Promise.all([
    import('../record/write-record.js'),
    import('../../templates/template.js'),
  ]);
  loadTemplates();
  return writeRecord;
}

/** Runs the job, unless a job that it needs did not pass. */
async function describeOrRun(
  options: JobRunOptions,
  folder: JobFolder,
  redactor: Redactor | undefined,
): ReturnType<typeof runWithImage> {
  if (options.skip === undefined) return runWithImage(options, folder, redactor);
  return { ...describeSkippedJob(options, options.skip, Date.now() / 1000), imageMethod: undefined };
}

/** Prepares the image, runs the tasks in it, and describes both as a record. */
async function runWithImage(
  options: JobRunOptions,
  folder: JobFolder,
  redactor: Redactor | undefined,
): Promise<{ record: JobRecord; end: TasksResult; imageMethod: ImageMethod | undefined }> {
  const { job, report } = options;
  report({ kind: 'start', tasks: job.tasks.length });
  const image = await prepareImage(job.image, { ...options, buildLog: folder.buildLog, redactor });
  const startTime = Date.now() / 1000;
  const findOtherHead = await watchHead(options);
  const ran: TasksResult = image.ok
    ? await runOnHosts(image.value, folder, options, redactor)
    : {
        tasks: job.tasks,
        rows: job.tasks.map(skippedRow),
        abort: abortFor(image.error, options.cancel),
      };
  const otherHead = await findOtherHead();
  const end = otherHead === undefined ? ran : distrust(ran, otherHead);
  const prepared = image.ok ? image.value : undefined;
  const { outcome, reason } = jobOutcome(end);
  const description = await prepared?.description;
  await prepared?.release();
  const record: JobRecord = {
    ...options.origin,
    schema: recordSchema,
    job: job.name,
    startTime,
    deployTime: Date.now() / 1000,
    outcome,
    status: jobStatus(outcome, end.rows),
    ...(reason === undefined ? {} : { reason }),
    ...(prepared?.pullSeconds === undefined ? {} : { imagePullSeconds: prepared.pullSeconds }),
    ...(description === undefined ? {} : { image: description }),
    ...(job.isolate === true && { isolated: true }),
    machine: end.remote?.machine ?? readMachine(),
    tasks: end.tasks.map(({ name, run }) => {
      const skipped = end.skips?.get(name);
      const note = end.notes?.get(name);
      return {
        ...{ name, run },
        ...(skipped === undefined ? {} : { skipped }),
        ...(note === undefined ? {} : { note }),
      };
    }),
  };
  return { record, end, imageMethod: prepared?.method };
}

/** Opens the hosts, lists and runs the tasks, and closes the hosts. */
async function runOnHosts(
  image: PreparedImage | undefined,
  folder: JobFolder,
  options: RunJobOptions,
  redactor: Redactor | undefined,
): Promise<TasksResult> {
  const { job, repo, out, cancel, forceCancel, report } = options;
  const git = image === undefined ? undefined : await openGitLayer(image, options);
  if (git?.ok === false) return abortEarly(job.tasks, new Error(git.error), options);
  const { make, control, output, remote } = await chooseHost(image, folder, options, git?.value);
  const pool = createHostPool(make, {
    isParallel: (job.parallel ?? 1) > 1,
    graceSeconds: job.graceSeconds,
  });
  const since = Date.now();
  const taskOptions: TaskRunOptions = {
    ...{
      host: options.origin.host ?? 'local',
      job,
      out,
      folder,
      environment: jobEnvironment(options, control),
      openHost: () => {
        const opening = pool.open();
        // While a container or a connection starts, this process has nothing to do. runJob() waits for it later.
        if (job.image.kind !== 'none') loadRecordWriter().catch(() => undefined);
        return opening;
      },
      output,
      cancel,
      report,
    },
    ...(forceCancel === undefined ? {} : { forceCancel }),
    ...(redactor === undefined ? {} : { redactor }),
  };
  const runners = Array.from({ length: job.parallel ?? 1 }, () => new TryRunner(taskOptions));
  let end: TasksResult = { tasks: [], rows: [] };
  try {
    const listed = await listTasks(runners, folder, control, taskOptions);
    if (listed.ok) remote?.want(listWanted(job, listed.value));
    end = listed.ok
      ? { tasks: listed.value, ...(await runTasks(listed.value, runners, taskOptions)) }
      : { tasks: [], rows: [], abort: abortFor(listed.error, cancel) };
  } catch (error) {
    // Even after a bug or a failure of the machine, the record is written.
    end = abortEarly(job.tasks, error, options);
  } finally {
    const faults = await Promise.all(runners.map((runner) => runner.close()));
    const { notice, fault } = await pool.close();
    const reason = [...faults, fault].find((text) => text !== undefined);
    if (reason !== undefined) end = distrust(end, reason);
    const notices = [notice];
    if (image !== undefined) {
      notices.push(await git?.value.remove());
      notices.push(...(await restoreOwnership({ repo, engine: image.engine, imageArgs: image.args, since })));
    }
    for (const text of notices) if (text !== undefined) report({ kind: 'notice', text });
  }
  if (remote !== undefined) end = { ...end, remote };
  try {
    await output.close();
    return end;
  } catch (error) {
    return { abort: { outcome: 'error', reason: errorMessage(error) }, ...end };
  }
}

/** Prepares the git repository of the containers. Its folder is beside the job's own, which the next run empties. */
function openGitLayer(
  { engine, args }: PreparedImage,
  { repo, out, job, report }: RunJobOptions,
): Promise<Result<GitLayer>> {
  return createGitLayer({
    ...{ repo, engine, imageArgs: args, isWritable: job.git === 'writable' },
    folder: join(dirname(out), `.git-${basename(out)}`),
    report: (text) => {
      report({ kind: 'notice', text });
    },
  });
}

/** Makes the job an error: what its tasks reported or left cannot be trusted. */
const distrust = (end: TasksResult, reason: string): TasksResult =>
  end.abort === undefined ? { ...end, abort: { outcome: 'error', reason } } : end;

function abortEarly(tasks: FinishedTasks['tasks'], error: unknown, { report }: RunJobOptions): TasksResult {
  const reason = errorMessage(error);
  report({ kind: 'notice', text: `the job was aborted: ${reason}` });
  return { tasks, rows: tasks.map(skippedRow), abort: { outcome: 'error', reason } };
}

/**
 * Returns the variables of every task: Soil's own, then secrets, then those of soil.yml, which override the former.
 * soil.yml cannot set a hidden variable, except git's.
 * `control` is the path of the control folder for the tasks.
 */
export function jobEnvironment(
  {
    job,
    secrets = [],
    environment,
    userPath,
  }: Pick<HostOptions, 'job' | 'secrets' | 'environment' | 'userPath'>,
  control: string,
): Record<string, string> {
  const declaredSecrets = secrets.filter(({ isFromFlag }) => isFromFlag !== true);
  const secret = Object.fromEntries(declaredSecrets.map(({ name, value }) => [name, value]));
  const builtin = `${control}/${builtinName}`;
  const declared = Object.entries({
    // The PATH of the shell that starts the tasks has no folder of the repo.
    ...(job.image.kind === 'none' &&
      userPath !== undefined &&
      userPath !== environment.PATH && { PATH: userPath }),
    ...{ CI: 'true', SOIL_JOB: job.name, [builtinVariable]: builtin },
    ...secret,
    ...job.environment,
  });
  return Object.fromEntries(declared.filter(([name]) => !isHiddenName(name) || isGitName(name)));
}

const abortFor = (reason: string, cancel: AbortSignal): JobAbort =>
  cancel.aborted ? { outcome: 'cancelled', reason: cancelReason(cancel) } : { outcome: 'error', reason };

function jobOutcome({ rows, abort }: TasksResult): { outcome: FinishedOutcome; reason?: string } {
  if (abort !== undefined) return abort;
  const outcome = foldTasks(rows);
  return outcome === 'empty'
    ? { outcome, reason: rows.length === 0 ? 'the job has no tasks' : 'no task ran' }
    : { outcome };
}

/** Describes the machine that runs the job. */
function readMachine(): MachineRecord {
  return {
    name: hostname(),
    system: `${systemType()} ${release()}`,
    architecture: arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}
