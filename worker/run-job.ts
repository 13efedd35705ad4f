/** Runs one job whole: a declaration in; a record, its rows and three files out, whatever happens on the way. */
import { readFile } from 'node:fs/promises';
import { foldTasks, jobStatus, type FinishedOutcome } from '../model/outcome.js';
import { formatRecord, recordSchema, type ImageRecord, type JobRecord } from '../model/record.js';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { formatRows, type TaskRow } from '../model/row.js';
import { parseTaskList, type TaskDeclaration } from '../model/task.js';
import { lastLine } from './command.js';
import { containerControl, startContainer } from './container.js';
import { describeImage, findEngine, hasImage, pullImage, type Engine } from './engine.js';
import type { ImageSource } from './job.js';
import { writeJobArchive } from './job-archive.js';
import {
  makeJobFolder,
  makeWritable,
  releaseReserve,
  writeScript,
  writeWhole,
  type JobFolder,
} from './job-folder.js';
import { readMachine } from './machine.js';
import type { FinishedJob, RunJobOptions } from './progress.js';
import { startRawMachine } from './raw-machine.js';
import { findResults } from './result-files.js';
import {
  HostKeeper,
  reasonOfAbort,
  runTasks,
  skippedRow,
  type LoopOptions,
  type Trouble,
} from './task-loop.js';

/** What is known of the image once it is there. */
interface ReadyImage {
  readonly engine: Engine;
  readonly name: string;
  readonly described: Promise<ImageRecord>;
  readonly pullSeconds?: number;
}

/** What the tasks came to. */
interface TasksEnd {
  readonly tasks: readonly TaskDeclaration[];
  readonly rows: readonly TaskRow[];
  readonly trouble?: Trouble;
}

/**
 * Never throws for what a job, an engine or a machine does: that is an outcome. Throws only where the output folder
 * itself cannot be written, since then no record can be kept.
 */
export async function runJob(options: RunJobOptions): Promise<FinishedJob> {
  const { job, report } = options;
  const folder = await makeJobFolder(options.out, job.name);
  report({ kind: 'start', tasks: job.tasks.length });
  const image = await readyImage(job.image, options);
  const startTime = Date.now() / 1000;
  const end: TasksEnd = image.ok
    ? await runOn(image.value, folder, options)
    : {
        tasks: job.tasks,
        rows: job.tasks.map(skippedRow),
        trouble: troubleOf(image.error, options.cancel),
      };
  const ready = image.ok ? image.value : undefined;
  await releaseReserve(options.out);

  const { outcome, reason } = outcomeOf(end);
  const described = await ready?.described;
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
  return keep(record, end, folder, options);
}

/** Waits for the image; undefined on the raw machine. The engine describes it while the tasks run. */
async function readyImage(
  image: ImageSource,
  options: RunJobOptions,
): Promise<Result<ReadyImage | undefined>> {
  if (image.kind === 'none') return accept(undefined);
  const found = await findEngine(options.environment, options.engine);
  if (!found.ok) return found;
  const engine = found.value;
  const { name } = image;
  const there = image.pull !== 'always' && (await hasImage(engine, name));
  if (there) return accept({ engine, name, described: describeImage(engine, name) });
  if (image.pull === 'never')
    return refuse(`cannot use image ${quote(name, 200)}: ${engine.program} does not have it`);
  options.report({ kind: 'pull-begin', image: name });
  const begin = performance.now();
  const pulled = await pullImage(engine, name, options.cancel);
  if (!pulled.ok) return pulled;
  const pullSeconds = (performance.now() - begin) / 1000;
  options.report({ kind: 'pull-done', image: name, seconds: pullSeconds });
  return accept({ engine, name, described: describeImage(engine, name), pullSeconds });
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
    const listed = await listTasks(
      keeper,
      folder,
      image === undefined ? folder.control : containerControl,
      options,
    );
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
  const taskEnvironment = { CI: 'true', SOIL_JOB: job.name, ...job.environment };
  const { script, control } = folder;
  const openHost = () =>
    image === undefined
      ? startRawMachine({
          ...{ script, control, repo, graceSeconds: job.graceSeconds },
          environment: { ...withhold(options), ...taskEnvironment },
        })
      : startContainer({
          engine: image.engine,
          image: image.name,
          job,
          script,
          control,
          repo,
          taskEnvironment,
        });
  return { job, out, folder, openHost, cancel, report };
}

/** The raw machine's environment without the tokens. */
function withhold({ environment, withheld }: RunJobOptions): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !withheld.includes(name)));
}

const troubleOf = (reason: string, cancel: AbortSignal): Trouble =>
  cancel.aborted ? { outcome: 'cancelled', reason: reasonOfAbort(cancel) } : { outcome: 'error', reason };

/** The job's tasks; where a command lists them, it runs where they will run, as number 0. */
async function listTasks(
  keeper: HostKeeper,
  folder: JobFolder,
  control: string,
  { job }: RunJobOptions,
): Promise<Result<readonly TaskDeclaration[]>> {
  if (job.tasksFrom === undefined) return accept(job.tasks);
  const log = folder.logOf(0, 1);
  await makeWritable(log);
  await writeScript(folder, 0, `exec >${control}/task-list\n${job.tasksFrom}\n`);
  const tried = await keeper.try(0, 1, job.timeoutSeconds);
  if (tried.outcome !== 'passed') {
    const why = tried.trouble?.reason ?? lastLine(await readFile(log, 'utf8')) ?? 'it printed nothing';
    return refuse(
      `cannot list the tasks by ${quote(job.tasksFrom)}: ${tried.outcome}, exit status ${tried.status}: ${why}`,
    );
  }
  return parseTaskList(await readFile(folder.taskList, 'utf8'), `the output of ${quote(job.tasksFrom)}`);
}

function outcomeOf({ rows, trouble }: TasksEnd): { outcome: FinishedOutcome; reason?: string } {
  if (trouble !== undefined) return trouble;
  const outcome = foldTasks(rows);
  return outcome === 'empty'
    ? { outcome, reason: rows.length === 0 ? 'the job has no task' : 'no task ran' }
    : { outcome };
}

/** Writes the three files, JSON last: with it, the job is finished. */
async function keep(
  record: JobRecord,
  end: TasksEnd,
  folder: JobFolder,
  { job, repo, report }: RunJobOptions,
): Promise<FinishedJob> {
  const ran = new Set<string>(end.rows.filter((r) => r.tries > 0).map((r) => r.task));
  const results = await findResults(
    repo,
    end.tasks.filter((task) => ran.has(task.name)),
  );
  for (const text of results.notices) report({ kind: 'notice', text });
  const rows = end.rows.map((row) => {
    const link = results.links.get(row.task);
    return link === undefined ? row : { ...row, resultHtml: link };
  });
  let kept = record;
  let archived = await writeJobArchive({ record, rows, folder, results: results.files });
  if (!archived.ok) {
    // Without its results and logs the job is not what it says: an index that tells why stands in for them.
    const reason = `cannot write the archive: ${archived.error}`;
    report({ kind: 'notice', text: reason });
    kept = { ...record, outcome: 'error', status: jobStatus('error', rows), reason };
    archived = await writeJobArchive({ record: kept, rows: [], folder, results: [] });
    if (!archived.ok) throw new Error(`cannot keep the record of job ${quote(job.name)}: ${archived.error}`);
  }
  report({ kind: 'archive', files: archived.value.files, bytes: archived.value.bytes });
  await writeWhole(folder.files.tsv, formatRows(rows));
  await writeWhole(folder.files.json, formatRecord(kept));
  const { outcome = 'error', status = jobStatus('error', rows), reason } = kept;
  report({ kind: 'done', outcome, status, ...(reason === undefined ? {} : { reason }) });
  return { outcome, status, record: kept, rows, files: folder.files };
}
