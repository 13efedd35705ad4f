/** A job's tasks one after another on a host: declarations in, a row for each out, whatever happens. */
import { statfs } from 'node:fs/promises';
import { foldTasks, isGreen, type TaskOutcome } from '../model/outcome.js';
import { quote } from '../model/result.js';
import type { TaskRow } from '../model/row.js';
import { splitCommand, type TaskDeclaration } from '../model/task.js';
import type { JobDeclaration } from './job.js';
import { logNameOf, makeWritable, nameLog, writeScript, type JobFolder } from './job-folder.js';
import type { Progress } from './progress.js';
import { after, type Lost, type TryEnd } from './supervisor.js';
import type { TaskHost } from './task-host.js';

export interface LoopOptions {
  readonly job: JobDeclaration;
  readonly out: string;
  readonly folder: JobFolder;
  /** of every task of the job, before its own */
  readonly environment: Readonly<Record<string, string>>;
  /** starts the place where tasks run; called again when one had to be given up */
  readonly openHost: () => Promise<TaskHost | Lost>;
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

/** How long an ended task may take to be reported as ended. */
const endSeconds = 15;
const silent: Lost = { kind: 'lost', reason: `no answer within ${endSeconds} s after its end` };

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
      userSeconds: more.end?.kind === 'done' ? more.end.userSeconds : 0,
      systemSeconds: more.end?.kind === 'done' ? more.end.systemSeconds : 0,
      ...(more.trouble === undefined ? {} : { trouble: more.trouble }),
    });
    const broken = (reason: string) =>
      ended('error', notRunStatus, { trouble: { outcome: 'error', reason } });

    const opened = this.#host ?? (await this.#options.openHost());
    if ('kind' in opened) return broken(opened.reason);
    this.#host = opened;
    const running = opened.run(number, attempt);
    const first = await firstOf(running, timeoutSeconds * 1000, cancel);
    const end = typeof first === 'string' ? await this.#endTask(opened, running) : first;
    if (end.kind === 'lost') await this.close();
    if (first === 'late') return ended('timed-out', timedOutStatus, { end });
    if (first === 'cancelled') {
      return ended('cancelled', cancelledStatus, {
        end,
        trouble: { outcome: 'cancelled', reason: reasonOfAbort(cancel) },
      });
    }
    switch (end.kind) {
      case 'lost':
        return broken(`the machinery ended under the task: ${end.reason}`);
      case 'unlogged':
        return broken('the task could not begin: its log cannot be opened');
      case 'done':
        return ended(end.status === 0 ? 'passed' : 'failed', end.status, { end });
    }
  }

  /** Ends the running task; where its end is not told within the limit, the host is given up. */
  async #endTask(host: TaskHost, running: Promise<TryEnd>): Promise<TryEnd> {
    const { isHostGone, notice } = await host.endTask();
    this.#tell(notice);
    const end = await Promise.race([running, after(endSeconds).then(() => silent)]);
    if (isHostGone) await this.close();
    return end;
  }

  #tell(notice: string | undefined): void {
    if (notice !== undefined) this.#options.report({ kind: 'notice', text: notice });
  }

  async close(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    this.#tell(await host?.close());
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
  const reason: unknown = cancel.reason;
  const text = reason instanceof Error && reason.name !== 'AbortError' ? reason.message : reason;
  return typeof text === 'string' ? `cancelled: ${text}` : 'the job was cancelled';
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

/**
 * The task's environment, then its command; the supervisor runs it with `sh -e`. The exports stand on the command's own
 * first line, so that the line numbers in the shell's messages are those of soil.yml's text. They are not handed through
 * the engine's client: a task's PATH, HOME or DOCKER_HOST is not the client's.
 */
export function scriptOf(
  task: Pick<TaskDeclaration, 'environment' | 'run'>,
  jobEnvironment: Readonly<Record<string, string>> = {},
): string {
  const words = Object.entries({ ...jobEnvironment, ...task.environment }).map(
    ([name, value]) => `${name}=${shellWord(value)}`,
  );
  return `${words.length === 0 ? '' : `export ${words.join(' ')}; `}${task.run}\n`;
}

/** Text as one word of the shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
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
