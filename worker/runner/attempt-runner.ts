/** Runs tries of tasks under a clock: a number in; how the try ended, on time, late or cancelled, out. */
import type { TaskOutcome } from '../../model/outcome.js';
import type { Progress } from '../record/progress.js';
import { after, type Lost, type AttemptEnd, type AttemptRequest } from './supervisor.js';
import type { TaskHost } from './task-host.js';

export interface AttemptRunnerOptions {
  /** starts the place where tasks run; called again when one had to be given up */
  readonly openHost: () => Promise<TaskHost | Lost>;
  readonly cancel: AbortSignal;
  /** aborted when nobody wants to wait for a grace any longer */
  readonly forceCancel?: AbortSignal;
  readonly report: (progress: Progress) => void;
}

/** Why a job could not go on, when that is no task's doing. */
export interface JobAbort {
  readonly outcome: 'error' | 'cancelled';
  readonly reason: string;
}

/** One try, as the clock and the shell saw it. */
export interface AttemptedTask {
  readonly outcome: Exclude<TaskOutcome, 'flaky' | 'skipped'>;
  readonly status: number;
  readonly elapsedSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly maxRssKib?: number;
  readonly trouble?: JobAbort;
}

export interface AttemptLimits {
  readonly timeoutSeconds: number;
  /** between TERM and KILL */
  readonly graceSeconds: number;
}

/** `timeout`'s exit status, which readers of Soil's files know. */
const timedOutStatus = 124;
export const notRunStatus = 125;
const cancelledStatus = 130;
/** setTimeout()'s longest, 24.8 days. */
const longestTimerMs = 2 ** 31 - 1;

/** How long an ended task may take to be reported as ended. */
const endSeconds = 15;
const silent: Lost = { kind: 'lost', reason: `no answer within ${endSeconds} s after its end` };

/** Holds the host that tasks run on, and opens another one where a task took its host along. */
export class AttemptRunner {
  readonly #options: AttemptRunnerOptions;
  #host: TaskHost | undefined;

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
  }

  /** Runs one try with its time limit; a cancelled or late one is ended with everything it started. */
  async try(order: AttemptRequest, { timeoutSeconds, graceSeconds }: AttemptLimits): Promise<AttemptedTask> {
    const begin = performance.now();
    const { cancel } = this.#options;
    const ended = (
      outcome: AttemptedTask['outcome'],
      status: number,
      more: { end?: AttemptEnd; trouble?: JobAbort } = {},
    ): AttemptedTask => ({
      outcome,
      status,
      elapsedSeconds: (performance.now() - begin) / 1000,
      userSeconds: more.end?.kind === 'done' ? more.end.userSeconds : 0,
      systemSeconds: more.end?.kind === 'done' ? more.end.systemSeconds : 0,
      ...(more.end?.kind === 'done' && more.end.maxRssKib !== undefined
        ? { maxRssKib: more.end.maxRssKib }
        : {}),
      ...(more.trouble === undefined ? {} : { trouble: more.trouble }),
    });
    const broken = (reason: string) =>
      ended('error', notRunStatus, { trouble: { outcome: 'error', reason } });

    const opened = this.#host ?? (await this.#options.openHost());
    if ('kind' in opened) return broken(opened.reason);
    this.#host = opened;
    const running = opened.run(order);
    const first = await firstOf(running, timeoutSeconds * 1000, cancel);
    const end = typeof first === 'string' ? await this.#endTask(opened, running, graceSeconds) : first;
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
      case 'no-terminal':
        return broken('the task could not begin: there is no program "script" to give it a terminal');
      case 'done':
        return ended(end.status === 0 ? 'passed' : 'failed', end.status, { end });
    }
  }

  /** Ends the running task; where its end is not told within the limit, the host is given up. */
  async #endTask(host: TaskHost, running: Promise<AttemptEnd>, seconds: number): Promise<AttemptEnd> {
    const { forceCancel } = this.#options;
    const { isHostGone, notice } = await host.endTask({
      seconds,
      ...(forceCancel === undefined ? {} : { forceCancel }),
    });
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
    // The clock is the monotonic one: it stands still while the machine is suspended, and no change of the date moves it.
    // A worker that was stopped itself wakes up late: what its task has said meanwhile is read first (the poll phase
    // comes between timers and setImmediate), so that a task that ended in time is not called late.
    timer = setTimeout(() => setImmediate(resolve, 'late'), Math.min(limitMs, longestTimerMs));
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
