/** Runs one job whole: a declaration in; a record, its rows and three files out, whatever happens on the way. */
import { open, readFile } from 'node:fs/promises';
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
import { makeJobFolder, makeWritable, writeScript, writeWhole, type JobFolder } from './job-folder.js';
import { readLogTail } from './log-tail.js';
import { readMachine } from './machine.js';
import type { FinishedJob, RunJobOptions } from './progress.js';
import { startRawMachine } from './raw-machine.js';
import { findResults, type ResultFiles } from './result-files.js';
import {
  HostKeeper,
  reasonOfAbort,
  runTasks,
  scriptOf,
  shellWord,
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
  const folder = await makeJobFolder(options.out, options.job.name);
  try {
    const { record, end } = await runTasksOf(options, folder);
    await folder.release('archive');
    await folder.restore();
    return await keep(record, end, folder, options);
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
): Promise<{ record: JobRecord; end: TasksEnd }> {
  const { job, report } = options;
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
  return { record, end };
}

/** Waits for the image; undefined on the raw machine. The engine describes it while the tasks run. */
async function readyImage(
  image: ImageSource,
  options: RunJobOptions,
): Promise<Result<ReadyImage | undefined>> {
  if (image.kind === 'none') return accept(undefined);
  const found = await findEngine(withhold(options), options.engine);
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
  const { job, repo, out, cancel, report, withheld } = options;
  const declared = Object.entries({ CI: 'true', SOIL_JOB: job.name, ...job.environment });
  const environment = Object.fromEntries(declared.filter(([name]) => !withheld.includes(name)));
  const { control } = folder;
  const openHost = () =>
    image === undefined
      ? startRawMachine({
          ...{ control, repo, graceSeconds: job.graceSeconds },
          environment: withhold(options),
        })
      : startContainer({ engine: image.engine, image: image.name, job, control, repo });
  return { job, out, folder, environment, openHost, cancel, report };
}

/**
 * The environment without the tokens: that of raw tasks, and that of the engine's client too, since a flag such as
 * `--env SOIL_TOKEN` or `--env-host` would hand them on.
 */
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
  { job, environment }: Pick<LoopOptions, 'job' | 'environment'>,
): Promise<Result<readonly TaskDeclaration[]>> {
  if (job.tasksFrom === undefined) return accept(job.tasks);
  const log = folder.logOf(0, 1);
  await makeWritable(log);
  const script = { environment: {}, run: `exec >${shellWord(`${control}/task-list`)}\n${job.tasksFrom}` };
  await writeScript(folder, 0, scriptOf(script, environment));
  const tried = await keeper.try(0, 1, job.timeoutSeconds);
  if (tried.outcome !== 'passed') {
    const why = tried.trouble?.reason ?? lastLine(await readLogTail(log)) ?? 'it printed nothing';
    return refuse(
      `cannot list the tasks by ${quote(job.tasksFrom)}: ${tried.outcome}, exit status ${tried.status}: ${why}`,
    );
  }
  const text = await readTaskList(folder.taskList);
  return text.ok ? parseTaskList(text.value, `the output of ${quote(job.tasksFrom)}`) : text;
}

const taskListBytes = 4 * 1024 * 1024;

async function readTaskList(file: string): Promise<Result<string>> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > taskListBytes) {
      return refuse(`cannot read a task list of ${size} bytes: more than ${taskListBytes}`);
    }
  } finally {
    await handle.close();
  }
  return accept(await readFile(file, 'utf8'));
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
  options: RunJobOptions,
): Promise<FinishedJob> {
  const { report } = options;
  const results = await resultsOf(end, options);
  for (const text of results.notices) report({ kind: 'notice', text });
  const rows = end.rows.map((row) => {
    const link = results.links.get(row.task);
    return link === undefined ? row : { ...row, resultHtml: link };
  });
  let kept = record;
  const whole = { record, rows, folder, results: results.files, hasLogs: true };
  let archived = await writeJobArchive(whole);
  if (!archived.ok) {
    // Without its results the job is not what it says. What there is room for is kept: the logs, or at least an index.
    const reason = `cannot write the archive: ${archived.error}`;
    report({ kind: 'notice', text: reason });
    kept = { ...record, outcome: 'error', status: jobStatus('error', rows), reason };
    for (const hasLogs of [true, false]) {
      if (!archived.ok) archived = await writeJobArchive({ ...whole, record: kept, results: [], hasLogs });
    }
  }
  if (archived.ok) report({ kind: 'archive', files: archived.value.files, bytes: archived.value.bytes });
  else report({ kind: 'notice', text: `there is no ${quote(folder.files.wwz, 300)}: ${archived.error}` });
  await folder.release('record');
  await writeWhole(folder.files.tsv, formatRows(rows));
  await writeWhole(folder.files.json, formatRecord(kept));
  const { outcome = 'error', status = jobStatus('error', rows), reason } = kept;
  report({ kind: 'done', outcome, status, ...(reason === undefined ? {} : { reason }) });
  return { outcome, status, record: kept, rows, files: folder.files };
}

/** The results of the tasks that ran; a repo that a task removed has none. */
async function resultsOf(end: TasksEnd, { repo, out }: RunJobOptions): Promise<ResultFiles> {
  const ran = new Set<string>(end.rows.filter((r) => r.tries > 0).map((r) => r.task));
  const tasks = end.tasks.filter((task) => ran.has(task.name));
  try {
    return await findResults({ repo, out }, tasks);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { files: [], links: new Map(), notices: [`cannot look for results: ${reason}`] };
  }
}
