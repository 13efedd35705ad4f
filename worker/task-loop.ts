/** A job's tasks one after another on a host: declarations in, a row for each out, whatever happens. */
import { statfs } from 'node:fs/promises';
import { foldTasks, isGreen } from '../model/outcome.js';
import { quote } from '../model/result.js';
import type { TaskRow } from '../model/row.js';
import { splitCommand, type TaskDeclaration } from '../model/task.js';
import type { JobDeclaration } from './job.js';
import {
  notRunStatus,
  reasonOfAbort,
  type HostKeeper,
  type KeeperOptions,
  type TriedTask,
  type Trouble,
} from './host-keeper.js';
import { logNameOf, makeWritable, nameLog, writeScript, type JobFolder } from './job-folder.js';
import { scriptOf } from './task-script.js';

export interface LoopOptions extends KeeperOptions {
  readonly job: JobDeclaration;
  readonly out: string;
  readonly folder: JobFolder;
  /** of every task of the job, before its own */
  readonly environment: Readonly<Record<string, string>>;
}

export interface LoopEnd {
  readonly rows: readonly TaskRow[];
  readonly trouble?: Trouble;
}

/** Runs every task; after trouble the rest is skipped. Rows stand in the order of declaration. */
export async function runTasks(
  tasks: readonly TaskDeclaration[],
  keeper: HostKeeper,
  options: LoopOptions,
): Promise<LoopEnd> {
  const rows: TaskRow[] = [];
  let trouble: Trouble | undefined;
  let prepared = prepareTask(tasks[0], 1, options);
  for (const [index, task] of tasks.entries()) {
    // The next task's files are made while this one runs.
    const ready = prepared;
    prepared = prepareTask(tasks[index + 1], index + 2, options);
    trouble ??= options.cancel.aborted
      ? { outcome: 'cancelled', reason: reasonOfAbort(options.cancel) }
      : undefined;
    if (trouble !== undefined || isSkipped(task, rows, options.job)) {
      rows.push(skippedRow(task));
      continue;
    }
    options.report({ kind: 'task-begin', task: task.name, index, of: tasks.length });
    const ran = await ready
      .then(() => runTask(task, index + 1, keeper, options))
      .catch((error: unknown) => brokenTask(task, error));
    const full = await diskTrouble(options.out, task);
    // What a task did that could not write is no verdict on it.
    const isSpoilt = full !== undefined && ran.row.outcome === 'failed';
    const row: TaskRow = isSpoilt ? { ...ran.row, outcome: 'error', status: notRunStatus } : ran.row;
    rows.push(row);
    trouble = ran.trouble ?? full;
    options.report({ kind: 'task-done', row, logFile: logNameOf(options.out, task.name) });
  }
  return { rows, ...(trouble === undefined ? {} : { trouble }) };
}

/** A task is skipped when one that it needs did not pass, or when the job stops at its first failure. */
function isSkipped(task: TaskDeclaration, rows: readonly TaskRow[], job: JobDeclaration): boolean {
  const passed = new Set(
    rows.filter((r) => r.outcome === 'passed' || r.outcome === 'flaky').map((r) => r.task),
  );
  if (task.needs.some((name) => !passed.has(name))) return true;
  return job.stopOnFailure && rows.length > 0 && !isGreen(foldTasks(rows)) && foldTasks(rows) !== 'empty';
}

/** The script and the first log; a failure is told to the one who waits for it. */
function prepareTask(
  task: TaskDeclaration | undefined,
  number: number,
  { folder, environment }: LoopOptions,
): Promise<unknown> {
  if (task === undefined) return Promise.resolve();
  const files = Promise.all([
    writeScript(folder, number, scriptOf(task, environment)),
    makeWritable(folder.logOf(number, 1)),
  ]);
  files.catch(() => undefined); // a skipped task asks nobody
  return files;
}

async function runTask(
  task: TaskDeclaration,
  number: number,
  keeper: HostKeeper,
  options: LoopOptions,
): Promise<{ row: TaskRow; trouble?: Trouble }> {
  const { folder } = options;
  const startTime = Date.now() / 1000;
  const tries: TriedTask[] = [];
  let last: TriedTask;
  do {
    if (tries.length > 0) await makeWritable(folder.logOf(number, tries.length + 1));
    last = await keeper.try(number, tries.length + 1, task.timeoutSeconds ?? options.job.timeoutSeconds);
    tries.push(last);
  } while (
    (last.outcome === 'failed' || last.outcome === 'timed-out') &&
    last.trouble === undefined &&
    tries.length <= task.retries
  );
  const sum = (pick: (t: TriedTask) => number) => tries.reduce((total, t) => total + pick(t), 0);
  const row: TaskRow = {
    ...plainRow(task),
    status: last.status,
    outcome: last.outcome === 'passed' && tries.length > 1 ? 'flaky' : last.outcome,
    elapsedSeconds: sum((t) => t.elapsedSeconds),
    startTime,
    userSeconds: sum((t) => t.userSeconds),
    systemSeconds: sum((t) => t.systemSeconds),
    tries: tries.length,
  };
  await nameLog(options.out, folder.logOf(number, tries.length), task.name);
  return { row, ...(last.trouble === undefined ? {} : { trouble: last.trouble }) };
}

/** The machine around the task failed, not the engine: a disk is full, or a task removed the job's own folder. */
function brokenTask(task: TaskDeclaration, error: unknown): { row: TaskRow; trouble: Trouble } {
  const reason = `cannot keep task ${quote(task.name)}: ${error instanceof Error ? error.message : String(error)}`;
  return {
    row: { ...plainRow(task), status: notRunStatus, outcome: 'error', tries: 1 },
    trouble: { outcome: 'error', reason },
  };
}

const plainRow = (task: TaskDeclaration) => ({
  kind: 'row' as const,
  task: task.name,
  ...splitCommand(task.run),
  allowed: task.allowFailure,
});

/** The row of a task that was never begun; its status is not 0, so that no reader takes it for a pass. */
export function skippedRow(task: TaskDeclaration): TaskRow {
  return { ...plainRow(task), status: notRunStatus, outcome: 'skipped', tries: 0 };
}
/** A full disk cuts logs in silence: the task's own status can no longer be believed. */
async function diskTrouble(out: string, task: TaskDeclaration): Promise<Trouble | undefined> {
  const space = await statfs(out).catch(() => undefined);
  if (space === undefined) {
    const reason = `the folder of the results was gone after task ${quote(task.name)}`;
    return { outcome: 'error', reason };
  }
  if (space.bavail * space.bsize >= 64 * 1024) return undefined;
  return { outcome: 'error', reason: `the disk of the results was full after task ${quote(task.name)}` };
}
