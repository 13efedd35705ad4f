/** The interface between a job and the machine that runs its tasks: a container or the raw machine. */
import type { TryEnd, TryRequest, Lost } from './supervisor.js';

/** Runs one task at a time, until close(). */
export interface TaskHost {
  /** Runs one try of a task to its end. Time limits are the caller's. */
  run(request: TryRequest): Promise<TryEnd>;
  /**
   * Ends the running task and every process it started: TERM, the grace period, then KILL. If processes survive, ends the
   * host as well, unless other tasks run there.
   */
  stopTask(grace: Grace): Promise<StoppedTask>;
  /** Ends the remaining processes and removes the container. Never throws. Returns a notice if something survived. */
  close(): Promise<string | undefined>;
}

export interface StoppedTask {
  /** the next task needs another host */
  readonly isHostGone: boolean;
  /** what could not be ended, as a sentence */
  readonly notice?: string;
}

/** The time between TERM and KILL. */
export interface Grace {
  readonly seconds: number;
  /** ends the grace period early */
  readonly forceCancel?: AbortSignal;
}

/** Reports whether the grace period lasts. `startedAt` is a time of performance.now(), milliseconds. */
export function isWithinGrace({ seconds, forceCancel }: Grace, startedAt: number): boolean {
  return forceCancel?.aborted !== true && performance.now() < startedAt + seconds * 1000;
}

/** Opens the hosts of one job: a single one, or one per lane if tasks run in parallel. */
export interface HostPool {
  /** Starts a host. Called again after a host was lost. */
  readonly open: () => Promise<TaskHost | Lost>;
  /** Ends what the job left running. Called after every host was closed. Returns a notice if something survived. */
  readonly close: () => Promise<string | undefined>;
}
