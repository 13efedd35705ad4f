/** Runs tries of tasks on a host, with a time limit and cancellation. */
import type { TaskOutcome } from '../../model/outcome.js';
import type { Progress } from '../record/progress.js';
import { timeout } from '../host/supervisor.js';
import type { Lost, TryEnd, TryRequest } from '../host/task-try.js';
import type { TaskHost } from '../host/task-host.js';

export interface TryRunnerOptions {
  /** starts a host; called again after a host was lost */
  readonly openHost: () => Promise<TaskHost | Lost>;
  readonly cancel: AbortSignal;
  /** when aborted, ends grace periods early */
  readonly forceCancel?: AbortSignal;
  readonly report: (progress: Progress) => void;
}

/** Why a job stopped before its last task, for a reason outside its tasks. */
export interface JobAbort {
  readonly outcome: 'error' | 'cancelled';
  readonly reason: string;
}

/** How one try of a task ended. */
export interface TryResult {
  readonly outcome: Exclude<TaskOutcome, 'flaky' | 'skipped'>;
  readonly status: number;
  readonly elapsedSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly maxRssKib?: number;
  readonly abort?: JobAbort;
}

export interface TryLimits {
  readonly timeoutSeconds: number;
  /** between TERM and KILL */
  readonly graceSeconds: number;
}

/** The exit status of timeout(1). */
const timedOutStatus = 124;
/** The status of a task that did not run. It is not 0, so that no reader counts the task as passed. */
export const notRunStatus = 125;
const cancelledStatus = 130;
/** The maximum of setTimeout(): 24.8 days. */
const longestTimerMs = 2 ** 31 - 1;

/** How long a host may take to report a task that was ended. */
const endSeconds = 15;
const silent: Lost = { kind: 'lost', reason: `no answer within ${endSeconds} s after the task was ended` };

/** Runs one try at a time. Opens its host when it needs one, and replaces a host that was lost. */
export class TryRunner {
  readonly #options: TryRunnerOptions;
  #host: TaskHost | undefined;

  constructor(options: TryRunnerOptions) {
    this.#options = options;
  }

  /** Runs one try. After its time limit, or when cancelled, ends it with every process it started. */
  async run(request: TryRequest, { timeoutSeconds, graceSeconds }: TryLimits): Promise<TryResult> {
    const startedAt = performance.now();
    const { cancel } = this.#options;
    const ended = (
      outcome: TryResult['outcome'],
      status: number,
      more: { end?: TryEnd; abort?: JobAbort } = {},
    ): TryResult => ({
      outcome,
      status,
      elapsedSeconds: (performance.now() - startedAt) / 1000,
      userSeconds: more.end?.kind === 'done' ? more.end.userSeconds : 0,
      systemSeconds: more.end?.kind === 'done' ? more.end.systemSeconds : 0,
      ...(more.end?.kind === 'done' && more.end.maxRssKib !== undefined
        ? { maxRssKib: more.end.maxRssKib }
        : {}),
      ...(more.abort === undefined ? {} : { abort: more.abort }),
    });
    const cancelled = (end?: TryEnd) =>
      ended('cancelled', cancelledStatus, {
        ...(end !== undefined && { end }),
        abort: { outcome: 'cancelled', reason: cancelReason(cancel) },
      });
    const notRun = (reason: string) => ended('error', notRunStatus, { abort: { outcome: 'error', reason } });

    const opened = this.#host ?? (await this.#options.openHost());
    if ('kind' in opened) return cancel.aborted ? cancelled() : notRun(opened.reason);
    this.#host = opened;
    const running = opened.run(request);
    const first = await waitForEnd(running, timeoutSeconds * 1000, cancel);
    const end = typeof first === 'string' ? await this.#stopTask(opened, running, graceSeconds) : first;
    if (end.kind === 'lost') await this.close();
    // A lost connection is not the task's fault, even if the loss is noticed after its time limit.
    const isUnreachable = end.kind === 'lost' && end.event !== undefined;
    if (first === 'late' && !isUnreachable) return ended('timed-out', timedOutStatus, { end });
    if (first === 'cancelled') return cancelled(end);
    switch (end.kind) {
      case 'lost':
        return notRun(
          end.isDistrusted === true
            ? end.reason
            : `${end.event ?? 'the container or shell exited'} during the task: ${end.reason}`,
        );
      case 'unlogged':
        return notRun('cannot start the task: its log cannot be opened');
      case 'no-terminal':
        return notRun('cannot start the task on a terminal: program "script" not found');
      case 'done':
        return ended(end.status === 0 ? 'passed' : 'failed', end.status, { end });
    }
  }

  /** Ends the running task. If the host does not report its end in time, the host is lost. */
  async #stopTask(host: TaskHost, running: Promise<TryEnd>, seconds: number): Promise<TryEnd> {
    const { forceCancel } = this.#options;
    const { isHostGone, notice } = await host.stopTask({
      seconds,
      ...(forceCancel === undefined ? {} : { forceCancel }),
    });
    this.#report(notice);
    const end = await Promise.race([running, timeout(endSeconds).then(() => silent)]);
    if (isHostGone) await this.close();
    return end;
  }

  #report(notice: string | undefined): void {
    if (notice !== undefined) this.#options.report({ kind: 'notice', text: notice });
  }

  /** Closes the host, if one is open. Returns why its reports cannot be trusted, if so. */
  async close(): Promise<string | undefined> {
    const host = this.#host;
    this.#host = undefined;
    const end = await host?.close();
    this.#report(end?.notice);
    return end?.fault;
  }
}

/** Waits for the end of the try, its time limit, or cancellation, whichever is first. */
async function waitForEnd<T>(
  running: Promise<T>,
  limitMs: number,
  cancel: AbortSignal,
): Promise<T | 'late' | 'cancelled'> {
  if (cancel.aborted) return 'cancelled';
  let timer: NodeJS.Timeout | undefined;
  let cancelled: () => void = () => undefined;
  const others = new Promise<'late' | 'cancelled'>((resolve) => {
    // Timers use the monotonic clock: it stops while the machine is suspended, and changes of the date do not affect it.
    // After a worker was stopped (SIGSTOP) and continued, its timers fire late. setImmediate() lets the event loop read
    // the supervisor's output first, so that a task that ended in time does not count as late.
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

/** Returns the reason of a cancelled job for its record. */
export function cancelReason(cancel: AbortSignal): string {
  const reason: unknown = cancel.reason;
  const text = reason instanceof Error && reason.name !== 'AbortError' ? reason.message : reason;
  return typeof text === 'string' ? `cancelled: ${text}` : 'the job was cancelled';
}
