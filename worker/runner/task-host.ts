/** Where a job's tasks run: a container or the raw machine, behind one small interface. */
import type { Lost, AttemptEnd, AttemptRequest } from './supervisor.js';

/** Alive from its start until close(). */
export interface TaskHost {
  /** Runs one try of a task to its end; the worker's clock decides when that is late. */
  run(order: AttemptRequest): Promise<AttemptEnd>;
  /**
   * Ends the running task with everything it started: TERM, the grace period, KILL, and nothing survives. The grace
   * ends at once when it is aborted. Where even that fails, the host itself is ended, unless others run tasks there.
   */
  endTask(grace: Grace): Promise<EndedTask>;
  /** Ends everything that is left, and removes the container; never throws. A text where something could not be ended. */
  close(): Promise<string | undefined>;
}

export interface EndedTask {
  /** the next task needs another host */
  readonly isHostGone: boolean;
  /** what could not be ended, for the reader */
  readonly notice?: string;
}

/** The time between TERM and KILL. */
export interface Grace {
  readonly seconds: number;
  /** aborted when nobody wants to wait any longer */
  readonly forceCancel?: AbortSignal;
}

/** True while the grace that began at a time of performance.now() lasts. */
export function lasts({ seconds, forceCancel }: Grace, begin: number): boolean {
  return forceCancel?.aborted !== true && performance.now() < begin + seconds * 1000;
}

/** The place of a job's tasks: it opens one host, or one for each lane where tasks run at once. */
export interface TaskHostLayout {
  /** called again when a host had to be given up */
  readonly openHost: () => Promise<TaskHost | Lost>;
  /** after every host was closed: ends what the job as a whole has left */
  readonly close: () => Promise<string | undefined>;
}
