/** One task on a host: its files, its tries and its logs; the declaration in, its row out, whatever happens. */
import { statfs } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import { quote } from '../../model/result.js';
import type { TaskRow } from '../../model/row.js';
import { splitCommand, type TaskDeclaration } from '../../model/task.js';
import {
  notRunStatus,
  type AttemptRunner,
  type AttemptRunnerOptions,
  type AttemptedTask,
  type JobAbort,
} from './attempt-runner.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { createWritable, linkTaskLog, writeScript, type JobFolder } from '../record/job-folder.js';
import type { LogRedactor } from '../redact/log-redactor.js';
import { scriptOf, taskCookie } from './task-script.js';

export interface LoopOptions extends AttemptRunnerOptions {
  readonly job: JobDeclaration;
  readonly out: string;
  readonly folder: JobFolder;
  /** of every task of the job, before its own */
  readonly environment: Readonly<Record<string, string>>;
  /** where tasks run at once: a random word that tells the job's processes */
  readonly cookie?: string;
  /** where the job has secrets */
  readonly logRedactor?: LogRedactor;
}

export interface RanTask {
  readonly row: TaskRow;
  readonly trouble?: JobAbort;
}

/** The script and the first log; a failure is told to the one who waits for it. */
export function prepareTask(
  task: TaskDeclaration | undefined,
  number: number,
  { folder, environment, job, cookie }: LoopOptions,
): Promise<unknown> {
  if (task === undefined) return Promise.resolve();
  const workingFolder = task.workingFolder ?? job.workingFolder;
  const script = scriptOf(task, {
    // Programs that find themselves on a terminal ask what it can do.
    environment: isOnTerminal(task, job) ? { TERM: 'xterm', ...environment } : environment,
    ...(workingFolder === undefined ? {} : { workingFolder }),
    ...(cookie === undefined ? {} : { cookie: taskCookie(cookie, number) }),
  });
  const files = Promise.all([
    writeScript(folder, number, script),
    createWritable(folder.attemptLog(number, 1)),
  ]);
  files.catch(() => undefined); // a skipped task asks nobody
  return files;
}

const isOnTerminal = (task: TaskDeclaration, job: JobDeclaration): boolean => task.tty ?? job.tty ?? false;

/** `prepared`: what prepareTask() has begun. */
export async function runTask(
  task: TaskDeclaration,
  number: number,
  keeper: AttemptRunner,
  options: LoopOptions & { readonly prepared: Promise<unknown> },
): Promise<RanTask> {
  const ran = await options.prepared
    .then(() => tryTask(task, number, keeper, options))
    .catch((error: unknown) => brokenTask(task, error));
  const full = await diskTrouble(options.out, task);
  // What a task did that could not write is no verdict on it.
  const isSpoilt = full !== undefined && ran.row.outcome === 'failed';
  const row: TaskRow = isSpoilt ? { ...ran.row, outcome: 'error', status: notRunStatus } : ran.row;
  const trouble = ran.trouble ?? full;
  return { row, ...(trouble === undefined ? {} : { trouble }) };
}

async function tryTask(
  task: TaskDeclaration,
  number: number,
  keeper: AttemptRunner,
  { job, out, folder, logRedactor }: LoopOptions,
): Promise<RanTask> {
  const startTime = Date.now() / 1000;
  const limits = {
    timeoutSeconds: task.timeoutSeconds ?? job.timeoutSeconds,
    graceSeconds: task.graceSeconds ?? job.graceSeconds,
  };
  const tries: AttemptedTask[] = [];
  let last: AttemptedTask;
  do {
    const attempt = tries.length + 1;
    const log = folder.attemptLog(number, attempt);
    if (attempt > 1) await createWritable(log);
    const stopRedacting = logRedactor?.follow(log);
    last = await keeper.try({ number, attempt, tty: isOnTerminal(task, job) }, limits);
    await stopRedacting?.();
    tries.push(last);
  } while (
    (last.outcome === 'failed' || last.outcome === 'timed-out') &&
    last.trouble === undefined &&
    tries.length <= task.retries
  );
  const sum = (pick: (t: AttemptedTask) => number) => tries.reduce((total, t) => total + pick(t), 0);
  const measured = tries.flatMap((t) => t.maxRssKib ?? []);
  const row: TaskRow = {
    ...plainRow(task),
    status: last.status,
    outcome: last.outcome === 'passed' && tries.length > 1 ? 'flaky' : last.outcome,
    elapsedSeconds: sum((t) => t.elapsedSeconds),
    startTime,
    userSeconds: sum((t) => t.userSeconds),
    systemSeconds: sum((t) => t.systemSeconds),
    ...(measured.length === 0 ? {} : { maxRssKib: Math.max(...measured) }),
    tries: tries.length,
  };
  await linkTaskLog(out, folder.attemptLog(number, tries.length), task.name);
  return { row, ...(last.trouble === undefined ? {} : { trouble: last.trouble }) };
}

/** The machine around the task failed, not the engine: a disk is full, or a task removed the job's own folder. */
function brokenTask(task: TaskDeclaration, error: unknown): RanTask {
  const reason = `cannot keep task ${quote(task.name)}: ${errorMessage(error)}`;
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
async function diskTrouble(out: string, task: TaskDeclaration): Promise<JobAbort | undefined> {
  const space = await statfs(out).catch(() => undefined);
  if (space === undefined) {
    const reason = `the folder of the results was gone after task ${quote(task.name)}`;
    return { outcome: 'error', reason };
  }
  if (space.bavail * space.bsize >= 64 * 1024) return undefined;
  return { outcome: 'error', reason: `the disk of the results was full after task ${quote(task.name)}` };
}
