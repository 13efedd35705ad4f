/** Runs one task: writes its script and logs, runs its tries, and returns its row. */
import { statfs } from 'node:fs/promises';
import { errorMessage } from '../../model/error-message.js';
import type { WorkerHost } from '../../model/name.js';
import { quote } from '../../model/result.js';
import type { TaskRow } from '../../model/row.js';
import { splitCommand, type TaskDeclaration } from '../../model/task.js';
import {
  notRunStatus,
  type TryRunner,
  type TryRunnerOptions,
  type TryResult,
  type JobAbort,
} from './try-runner.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { OutputChannel } from '../output/output-channel.js';
import type { Redactor } from '../redact/redactor.js';
import { linkTaskLog, writeScript, type JobFolder } from '../state/job-folder.js';
import { runLoggedTry } from './logged-try.js';
import { readLogTail } from '../output/log-tail.js';
import { asksForInput, closedInputNote } from './closed-input.js';
import { isFailureExpected, judgeKnownFailure } from './known-failure.js';
import { formatScript } from './task-script.js';

export interface TaskRunOptions extends TryRunnerOptions {
  readonly job: JobDeclaration;
  readonly out: string;
  readonly folder: JobFolder;
  /** variables of all tasks of the job; a task's own override them */
  readonly environment: Readonly<Record<string, string>>;
  readonly host: WorkerHost;
  readonly output: OutputChannel;
  /** present if the job has secrets */
  readonly redactor?: Redactor;
}

export interface TaskResult {
  readonly row: TaskRow;
  /** what the outcome means, if that is not obvious; one clause */
  readonly note?: string;
  readonly abort?: JobAbort;
}

/** Writes a task's script. The returned promise rejects if that fails. */
export function prepareTask(
  task: TaskDeclaration | undefined,
  number: number,
  { folder, environment, job }: TaskRunOptions,
): Promise<unknown> {
  if (task === undefined) return Promise.resolve();
  const workingFolder = task.workingFolder ?? job.workingFolder;
  const script = formatScript(task, {
    // Programs on a terminal look up its features by TERM.
    environment: isOnTerminal(task, job) ? { TERM: 'xterm', ...environment } : environment,
    ...(workingFolder === undefined ? {} : { workingFolder }),
  });
  const written = writeScript(folder, number, script);
  written.catch(() => undefined); // nothing awaits it if the task is skipped
  return written;
}

const isOnTerminal = (task: TaskDeclaration, job: JobDeclaration): boolean => task.tty ?? job.tty ?? false;

/** Runs a task. Never throws: a failure of the machine is the outcome `error`. `prepared` is from prepareTask(). */
export async function runTask(
  task: TaskDeclaration,
  number: number,
  runner: TryRunner,
  options: TaskRunOptions & { readonly prepared: Promise<unknown> },
): Promise<TaskResult> {
  const result = await options.prepared
    .then(() => runTries(task, number, runner, options))
    .catch((error: unknown) => errorResult(task, error));
  const diskAbort = await checkDisk(options.out, task);
  // The full disk may have caused the failure, so it is not blamed on the task.
  const isDiskFailure = diskAbort !== undefined && result.row.outcome === 'failed';
  const row: TaskRow = isDiskFailure ? { ...result.row, outcome: 'error', status: notRunStatus } : result.row;
  // The full disk explains other errors.
  const abort = result.abort?.outcome === 'cancelled' ? result.abort : (diskAbort ?? result.abort);
  const judged = judgeKnownFailure(row, task.expectFail, { host: options.host, now: Date.now() / 1000 });
  const note = judged.note ?? (row.outcome === 'failed' ? result.note : undefined);
  return {
    row: judged.row,
    ...(note === undefined ? {} : { note }),
    ...(abort === undefined ? {} : { abort }),
  };
}

async function runTries(
  task: TaskDeclaration,
  number: number,
  runner: TryRunner,
  { job, out, folder, output, redactor, host }: TaskRunOptions,
): Promise<TaskResult> {
  const startTime = Date.now() / 1000;
  const limits = {
    timeoutSeconds: task.timeoutSeconds ?? job.timeoutSeconds,
    graceSeconds: task.graceSeconds ?? job.graceSeconds,
  };
  // A failure that is expected needs no retry.
  const retries = isFailureExpected(task.expectFail, host) ? 0 : task.retries;
  const tries: TryResult[] = [];
  let last: TryResult;
  do {
    const tryNumber = tries.length + 1;
    const request = { number, try: tryNumber, tty: isOnTerminal(task, job) };
    const log = folder.tryLog(number, tryNumber);
    last = await runLoggedTry(runner, request, limits, { output, log, redactor });
    tries.push(last);
  } while (
    (last.outcome === 'failed' || last.outcome === 'timed-out') &&
    last.abort === undefined &&
    tries.length <= retries
  );
  const sum = (pick: (t: TryResult) => number) => tries.reduce((total, t) => total + pick(t), 0);
  const measured = tries.flatMap((t) => t.maxRssKib ?? []);
  const row: TaskRow = {
    ...commandColumns(task),
    status: last.status,
    outcome: last.outcome === 'passed' && tries.length > 1 ? 'flaky' : last.outcome,
    elapsedSeconds: sum((t) => t.elapsedSeconds),
    startTime,
    userSeconds: sum((t) => t.userSeconds),
    systemSeconds: sum((t) => t.systemSeconds),
    ...(measured.length === 0 ? {} : { maxRssKib: Math.max(...measured) }),
    tries: tries.length,
  };
  const lastLog = folder.tryLog(number, tries.length);
  await linkTaskLog(out, lastLog, task.name);
  const isAsking = last.outcome === 'failed' && asksForInput(await readLogTail(lastLog));
  return {
    row,
    ...(isAsking ? { note: closedInputNote } : {}),
    ...(last.abort === undefined ? {} : { abort: last.abort }),
  };
}

/** Returns the result of a task whose files cannot be written: the disk is full, or a task removed the job's folder. */
function errorResult(task: TaskDeclaration, error: unknown): TaskResult {
  const reason = `cannot write the files of task ${quote(task.name)}: ${errorMessage(error)}`;
  return {
    row: { ...commandColumns(task), status: notRunStatus, outcome: 'error', tries: 1 },
    abort: { outcome: 'error', reason },
  };
}

const commandColumns = (task: TaskDeclaration) => ({
  kind: 'row' as const,
  task: task.name,
  ...splitCommand(task.run),
  allowed: task.allowFailure,
});

/** Returns the row of a task that was not started. */
export function skippedRow(task: TaskDeclaration): TaskRow {
  return { ...commandColumns(task), status: notRunStatus, outcome: 'skipped', tries: 0 };
}

/** Aborts the job if the disk is full: logs would be truncated silently, and statuses would mean nothing. */
async function checkDisk(out: string, task: TaskDeclaration): Promise<JobAbort | undefined> {
  const space = await statfs(out).catch(() => undefined);
  if (space === undefined) {
    const reason = `the output folder was removed during task ${quote(task.name)}`;
    return { outcome: 'error', reason };
  }
  if (space.bavail * space.bsize >= 64 * 1024) return undefined;
  return {
    outcome: 'error',
    reason: `the disk of the output folder was full after task ${quote(task.name)}`,
  };
}
