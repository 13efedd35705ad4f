/** Runs one job whole: a declaration in; a record, its rows and three files out, whatever happens on the way. */
import { foldTasks, jobStatus, type FinishedOutcome } from '../model/outcome.js';
import { recordSchema, type JobRecord } from '../model/record.js';
import { quote } from '../model/result.js';
import { containerControl, startContainer } from './container.js';
import { HostKeeper, reasonOfAbort, type Trouble } from './host-keeper.js';
import { makeJobFolder, type JobFolder } from './job-folder.js';
import { keepJob, type KeptTasks } from './keep-job.js';
import { readMachine } from './machine.js';
import type { FinishedJob, ImageWay, RunJobOptions } from './progress.js';
import { startRawMachine } from './raw-machine.js';
import { readyImage, withhold, type PlaceOptions, type ReadyImage } from './ready-image.js';
import { builtinName, builtinVariable } from './builtin-task.js';
import { listTasks } from './task-list.js';
import { runTasks, skippedRow, type LoopOptions } from './task-loop.js';

/** What the tasks came to. */
interface TasksEnd extends KeptTasks {
  readonly trouble?: Trouble;
}

/**
 * Never throws for what a job, an engine or a machine does: that is an outcome. Throws only where the output folder
 * itself cannot be written, since then no record can be kept.
 */
export async function runJob(options: RunJobOptions): Promise<FinishedJob> {
  const folder = await makeJobFolder(options.out, options.job.name);
  try {
    const { record, end, way } = await runTasksOf(options, folder);
    await folder.release('archive');
    await folder.restore();
    return await keepJob(record, { ...end, ...(way !== undefined && { way }) }, folder, options);
  } finally {
    await folder.close().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      options.report({ kind: 'notice', text: `cannot remove ${quote(folder.control, 300)}: ${reason}` });
    });
  }
}

async function runTasksOf(
  options: RunJobOptions,
  folder: JobFolder,
): Promise<{ record: JobRecord; end: TasksEnd; way: ImageWay | undefined }> {
  const { job, report } = options;
  report({ kind: 'start', tasks: job.tasks.length });
  const image = await readyImage(job.image, { ...options, buildLog: folder.buildLog });
  const startTime = Date.now() / 1000;
  const end: TasksEnd = image.ok
    ? await runOn(image.value, folder, options)
    : {
        tasks: job.tasks,
        rows: job.tasks.map(skippedRow),
        trouble: troubleOf(image.error, options.cancel),
      };
  const ready = image.ok ? image.value : undefined;
  const { outcome, reason } = outcomeOf(end);
  const described = await ready?.described;
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
    tasks: end.tasks.map(({ name, run }) => ({ name, run })),
  };
  return { record, end, way: ready?.way };
}

async function runOn(
  image: ReadyImage | undefined,
  folder: JobFolder,
  options: RunJobOptions,
): Promise<TasksEnd> {
  const { job } = options;
  const loop = loopOptions(image, folder, options);
  const keeper = new HostKeeper(loop);
  try {
    const listed = await listTasks(keeper, folder, image === undefined ? folder.control : containerControl, {
      job,
      environment: loop.environment,
    });
    if (!listed.ok) return { tasks: [], rows: [], trouble: troubleOf(listed.error, options.cancel) };
    const end = await runTasks(listed.value, keeper, loop);
    return { tasks: listed.value, ...end };
  } catch (error) {
    // A bug or a broken machine must not cost the record.
    const reason = error instanceof Error ? error.message : String(error);
    options.report({ kind: 'notice', text: `the job ended early: ${reason}` });
    return { tasks: job.tasks, rows: job.tasks.map(skippedRow), trouble: { outcome: 'error', reason } };
  } finally {
    await keeper.close();
  }
}

function loopOptions(image: ReadyImage | undefined, folder: JobFolder, options: RunJobOptions): LoopOptions {
  const { job, repo, out, cancel, report } = options;
  const { control } = folder;
  const environment = jobEnvironment(options, image === undefined ? control : containerControl);
  const openHost = () =>
    image === undefined
      ? startRawMachine({
          ...{ control, repo, graceSeconds: job.graceSeconds },
          environment: withhold(options),
        })
      : startContainer({ engine: image.engine, image: image.name, words: image.words, job, control, repo });
  return { job, out, folder, environment, openHost, cancel, report };
}

/** What every task finds in its environment; `control` as the tasks see it. */
export function jobEnvironment(
  { job, withheld }: Pick<PlaceOptions, 'job' | 'withheld'>,
  control: string,
): Record<string, string> {
  const builtin = `${control}/${builtinName}`;
  const declared = Object.entries({
    ...{ CI: 'true', SOIL_JOB: job.name, [builtinVariable]: builtin },
    ...job.environment,
  });
  return Object.fromEntries(declared.filter(([name]) => !withheld.includes(name)));
}

const troubleOf = (reason: string, cancel: AbortSignal): Trouble =>
  cancel.aborted ? { outcome: 'cancelled', reason: reasonOfAbort(cancel) } : { outcome: 'error', reason };

function outcomeOf({ rows, trouble }: TasksEnd): { outcome: FinishedOutcome; reason?: string } {
  if (trouble !== undefined) return trouble;
  const outcome = foldTasks(rows);
  return outcome === 'empty'
    ? { outcome, reason: rows.length === 0 ? 'the job has no task' : 'no task ran' }
    : { outcome };
}
