/** Runs one job whole: a declaration in; a record, its rows and three files out, whatever happens on the way. */
import { arch, availableParallelism, hostname, release, totalmem, type as systemType } from 'node:os';
import { errorMessage } from '../../model/error-message.js';
import { foldTasks, jobStatus, type FinishedOutcome } from '../../model/outcome.js';
import { recordSchema, type JobRecord, type MachineRecord } from '../../model/record.js';
import { quote } from '../../model/result.js';
import { builtinName, builtinVariable } from '../config/builtin-task.js';
import { containerControl } from './container-host.js';
import { AttemptRunner, reasonOfAbort, type JobAbort } from './attempt-runner.js';
import { redactBuildLog } from '../engine/build-image.js';
import { createJobFolder, type JobFolder } from '../record/job-folder.js';
import { openHost } from './open-host.js';
import { writeRecord, type FinishedTasks } from '../record/write-record.js';
import { LogRedactor } from '../redact/log-redactor.js';
import { createRedactor, type Redactor } from '../redact/redactor.js';
import type { FinishedJob, ImageMethod, RunJobOptions } from '../record/progress.js';
import { prepareImage, type HostOptions, type PreparedImage } from '../engine/prepare-image.js';
import { redactProgress, redactRecord, redactRow } from '../record/redact-record.js';
import { restoreOwnership } from './restore-ownership.js';
import { listTasks } from './list-tasks.js';
import { runTasks } from './task-scheduler.js';
import { skippedRow, type LoopOptions } from './run-task.js';

/** What the tasks came to. */
interface TasksEnd extends FinishedTasks {
  readonly skips?: ReadonlyMap<string, string>;
  readonly trouble?: JobAbort;
}

/**
 * Never throws for what a job, an engine or a machine does: that is an outcome. Throws only where the output folder
 * itself cannot be written, since then no record can be kept.
 */
export async function runJob(asked: RunJobOptions): Promise<FinishedJob> {
  const redactor = asked.secrets === undefined ? undefined : createRedactor(asked.secrets);
  const options: RunJobOptions =
    redactor === undefined
      ? asked
      : {
          ...asked,
          report: (progress) => {
            asked.report(redactProgress(progress, redactor));
          },
        };
  const folder = await createJobFolder(options.out, options.job.name);
  try {
    const { record, end, way } = await runTasksOf(options, folder, redactor);
    await folder.releaseReserve('archive');
    await folder.restore();
    const kept = { ...end, ...(way !== undefined && { way }) };
    if (redactor === undefined) return await writeRecord(record, kept, folder, options);
    const redacted = { ...kept, rows: end.rows.map((row) => redactRow(row, redactor)) };
    return await writeRecord(redactRecord(record, redactor), redacted, folder, { ...options, redactor });
  } finally {
    await folder.close().catch((error: unknown) => {
      const reason = errorMessage(error);
      options.report({ kind: 'notice', text: `cannot remove ${quote(folder.control, 300)}: ${reason}` });
    });
  }
}

async function runTasksOf(
  options: RunJobOptions,
  folder: JobFolder,
  redactor: Redactor | undefined,
): Promise<{ record: JobRecord; end: TasksEnd; way: ImageMethod | undefined }> {
  const { job, report } = options;
  report({ kind: 'start', tasks: job.tasks.length });
  const stopRedacting =
    redactor && job.image.kind === 'build' ? await redactBuildLog(folder.buildLog, redactor) : undefined;
  const image = await prepareImage(job.image, { ...options, buildLog: folder.buildLog });
  await stopRedacting?.();
  const startTime = Date.now() / 1000;
  const end: TasksEnd = image.ok
    ? await runOn(image.value, folder, options, redactor)
    : {
        tasks: job.tasks,
        rows: job.tasks.map(skippedRow),
        trouble: troubleOf(image.error, options.cancel),
      };
  const ready = image.ok ? image.value : undefined;
  const { outcome, reason } = outcomeOf(end);
  const described = await ready?.description;
  await ready?.release();
  const record: JobRecord = {
    ...options.origin,
    schema: recordSchema,
    job: job.name,
    startTime,
    deployTime: Date.now() / 1000,
    outcome,
    status: jobStatus(outcome, end.rows),
    ...(reason === undefined ? {} : { reason }),
    ...(ready?.pullSeconds === undefined ? {} : { imagePullSeconds: ready.pullSeconds }),
    ...(described === undefined ? {} : { image: described }),
    machine: readMachine(),
    tasks: end.tasks.map(({ name, run }) => {
      const skipped = end.skips?.get(name);
      return { name, run, ...(skipped === undefined ? {} : { skipped }) };
    }),
  };
  return { record, end, way: ready?.way };
}

async function runOn(
  image: PreparedImage | undefined,
  folder: JobFolder,
  options: RunJobOptions,
  redactor: Redactor | undefined,
): Promise<TasksEnd> {
  const { job, repo, out, cancel, forceCancel, report } = options;
  const { place, cookie } = openHost(image, folder, options);
  const logRedactor = redactor === undefined ? undefined : new LogRedactor(redactor);
  const since = Date.now();
  const control = image === undefined ? folder.control : containerControl;
  const loop: LoopOptions = {
    ...{
      job,
      out,
      folder,
      environment: jobEnvironment(options, control),
      openHost: place.openHost,
      cancel,
      report,
    },
    ...(cookie === undefined ? {} : { cookie }),
    ...(forceCancel === undefined ? {} : { forceCancel }),
    ...(logRedactor === undefined ? {} : { logRedactor }),
  };
  const keepers = Array.from({ length: job.parallel ?? 1 }, () => new AttemptRunner(loop));
  let end: TasksEnd;
  try {
    const listed = await listTasks(keepers, folder, control, {
      ...loop,
      ...(redactor === undefined ? {} : { redactor }),
    });
    end = listed.ok
      ? { tasks: listed.value, ...(await runTasks(listed.value, keepers, loop)) }
      : { tasks: [], rows: [], trouble: troubleOf(listed.error, cancel) };
  } catch (error) {
    // A bug or a broken machine must not cost the record.
    end = endedEarly(job.tasks, error, options);
  } finally {
    await Promise.all(keepers.map((keeper) => keeper.close()));
    const notices = [await place.close()];
    if (image !== undefined) {
      notices.push(await restoreOwnership({ repo, engine: image.engine, words: image.args, since }));
    }
    for (const text of notices) if (text !== undefined) report({ kind: 'notice', text });
  }
  try {
    await logRedactor?.finish();
    return end;
  } catch (error) {
    // A log that cannot be searched may hold a secret: none is shown.
    await folder.removeLogs();
    return { ...end, ...endedEarly(end.tasks, error, options) };
  }
}

function endedEarly(tasks: FinishedTasks['tasks'], error: unknown, { report }: RunJobOptions): TasksEnd {
  const reason = errorMessage(error);
  report({ kind: 'notice', text: `the job ended early: ${reason}` });
  return { tasks, rows: tasks.map(skippedRow), trouble: { outcome: 'error', reason } };
}

/** What every task finds, its own declarations last; `control` as the tasks see it. */
export function jobEnvironment(
  { job, secrets = [], hiddenVariables }: Pick<HostOptions, 'job' | 'secrets' | 'hiddenVariables'>,
  control: string,
): Record<string, string> {
  const secret = Object.fromEntries(secrets.map(({ name, value }) => [name, value]));
  const builtin = `${control}/${builtinName}`;
  const declared = Object.entries({
    ...{ CI: 'true', SOIL_JOB: job.name, [builtinVariable]: builtin },
    ...secret,
    ...job.environment,
  });
  return Object.fromEntries(declared.filter(([name]) => !hiddenVariables.includes(name)));
}

const troubleOf = (reason: string, cancel: AbortSignal): JobAbort =>
  cancel.aborted ? { outcome: 'cancelled', reason: reasonOfAbort(cancel) } : { outcome: 'error', reason };

function outcomeOf({ rows, trouble }: TasksEnd): { outcome: FinishedOutcome; reason?: string } {
  if (trouble !== undefined) return trouble;
  const outcome = foldTasks(rows);
  return outcome === 'empty'
    ? { outcome, reason: rows.length === 0 ? 'the job has no task' : 'no task ran' }
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
