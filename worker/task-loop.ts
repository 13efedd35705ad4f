/** A job's tasks one after another on a host: declarations in, a row for each out, whatever happens. */
import { statfs } from 'node:fs/promises';
import { foldTasks, isGreen, type TaskOutcome } from '../model/outcome.js';
import { quote } from '../model/result.js';
import type { TaskRow } from '../model/row.js';
import { splitCommand, type TaskDeclaration } from '../model/task.js';
import type { JobDeclaration } from './job.js';
import { makeWritable, nameLog, writeScript, type JobFolder } from './job-folder.js';
import type { Progress } from './progress.js';
import type { SupervisorLost, TryEnd } from './supervisor.js';
import type { TaskHost } from './task-host.js';

export interface LoopOptions {
  readonly job: JobDeclaration;
  readonly out: string;
  readonly folder: JobFolder;
  /** starts the place where tasks run; called again when one had to be given up */
  readonly openHost: () => Promise<TaskHost | SupervisorLost>;
  readonly cancel: AbortSignal;
  readonly report: (progress: Progress) => void;
}

/** Why a job could not go on, when that is no task's doing. */
export interface Trouble {
  readonly outcome: 'error' | 'cancelled';
  readonly reason: string;
}

export interface LoopEnd {
  readonly rows: readonly TaskRow[];
  readonly trouble?: Trouble;
}

/** One try, as the clock and the shell saw it. */
export interface TriedTask {
  readonly outcome: Exclude<TaskOutcome, 'flaky' | 'skipped'>;
  readonly status: number;
  readonly elapsedSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly trouble?: Trouble;
}

/** `timeout`'s exit status, which readers of Soil's files know. */
const timedOutStatus = 124;
const notRunStatus = 125;
const cancelledStatus = 130;
/** setTimeout()'s longest, 24.8 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Holds the host that tasks run on, and opens another one where a task took its host along. */
export class HostKeeper {
  readonly #options: LoopOptions;
  #host: TaskHost | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Runs one try with its time limit; a cancelled or late one is ended with everything it started. */
  async try(number: number, attempt: number, timeoutSeconds: number): Promise<TriedTask> {
    const begin = performance.now();
    const { cancel } = this.#options;
    const ended = (
      outcome: TriedTask['outcome'],
      status: number,
      more: { end?: TryEnd; trouble?: Trouble } = {},
    ): TriedTask => ({
      outcome,
      status,
      elapsedSeconds: (performance.now() - begin) / 1000,
      userSeconds: more.end?.userSeconds ?? 0,
      systemSeconds: more.end?.systemSeconds ?? 0,
      ...(more.trouble === undefined ? {} : { trouble: more.trouble }),
    });
    const lost = (reason: string) => ended('error', notRunStatus, { trouble: { outcome: 'error', reason } });

    const opened = this.#host ?? (await this.#options.openHost());
    if ('kind' in opened) return lost(opened.reason);
    this.#host = opened;
    const running = opened.run(number, attempt);
    const first = await firstOf(running, timeoutSeconds * 1000, cancel);
    if (typeof first === 'string') await opened.endTask();
    const end = typeof first === 'string' ? await running : first;
    if (end.kind === 'lost') {
      await opened.close();
      this.#host = undefined;
    }
    const known = end.kind === 'done' ? { end } : {};
    if (first === 'late') return ended('timed-out', timedOutStatus, known);
    if (first === 'cancelled') {
      return ended('cancelled', cancelledStatus, {
        ...known,
        trouble: { outcome: 'cancelled', reason: reasonOfAbort(cancel) },
      });
    }
    if (end.kind === 'lost') return lost(`the machinery ended under the task: ${end.reason}`);
    return ended(end.status === 0 ? 'passed' : 'failed', end.status, { end });
  }

  async close(): Promise<void> {
    await this.#host?.close();
    this.#host = undefined;
  }
}

/** What comes first: the end of the try, its time limit, or the job's cancellation. */
async function firstOf<T>(
  running: Promise<T>,
  limitMs: number,
  cancel: AbortSignal,
): Promise<T | 'late' | 'cancelled'> {
  if (cancel.aborted) return 'cancelled';
  let timer: NodeJS.Timeout | undefined;
  let cancelled: () => void = () => undefined;
  const others = new Promise<'late' | 'cancelled'>((resolve) => {
    timer = setTimeout(resolve, Math.min(limitMs, longestTimerMs), 'late');
    cancelled = () => {
      resolve('cancelled');
    };
    cancel.addEventListener('abort', cancelled);
  });
  try {
    return await Promise.race([running, others]);
  } finally {
    clearTimeout(timer);
    cancel.removeEventListener('abort', cancelled);
  }
}

export function reasonOfAbort(cancel: AbortSignal): string {
  return cancel.reason instanceof Error ? `cancelled: ${cancel.reason.message}` : 'the job was cancelled';
}

/** Runs every task; after trouble the rest is skipped. Rows stand in the order of declaration. */
export async function runTasks(
  tasks: readonly TaskDeclaration[],
  keeper: HostKeeper,
  options: LoopOptions,
): Promise<LoopEnd> {
  const rows: TaskRow[] = [];
  let trouble: Trouble | undefined;
  for (const [index, task] of tasks.entries()) {
    trouble ??= options.cancel.aborted
      ? { outcome: 'cancelled', reason: reasonOfAbort(options.cancel) }
      : undefined;
    if (trouble !== undefined || isSkipped(task, rows, options.job)) {
      rows.push(skippedRow(task));
      continue;
    }
    options.report({ kind: 'task-begin', task: task.name, index, of: tasks.length });
    const { row, trouble: met, logFile } = await runTask(task, index + 1, keeper, options);
    rows.push(row);
    trouble = met ?? (await diskTrouble(options.out, task));
    options.report({ kind: 'task-done', row, logFile });
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

async function runTask(
  task: TaskDeclaration,
  number: number,
  keeper: HostKeeper,
  options: LoopOptions,
): Promise<{ row: TaskRow; logFile: string; trouble?: Trouble }> {
  await writeScript(options.folder, number, scriptOf(task));
  const startTime = Date.now() / 1000;
  const tries: TriedTask[] = [];
  let last: TriedTask;
  do {
    await makeWritable(options.folder.logOf(number, tries.length + 1));
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
  const logFile = await nameLog(options.out, options.folder.logOf(number, tries.length), task.name);
  return { row, logFile, ...(last.trouble === undefined ? {} : { trouble: last.trouble }) };
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

/** The task's own environment, then its command; the supervisor runs it with `sh -e`. */
export function scriptOf(task: Pick<TaskDeclaration, 'environment' | 'run'>): string {
  const exports = Object.entries(task.environment).map(
    ([name, value]) => `export ${name}=${shellWord(value)}\n`,
  );
  return `${exports.join('')}${task.run}\n`;
}

/** Text as one word of the shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A full disk cuts logs in silence: the task's own status can no longer be believed. */
async function diskTrouble(out: string, task: TaskDeclaration): Promise<Trouble | undefined> {
  const { bavail, bsize } = await statfs(out);
  if (bavail * bsize >= 64 * 1024) return undefined;
  return { outcome: 'error', reason: `the disk of the results was full after task ${quote(task.name)}` };
}
