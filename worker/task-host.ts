/** Where a job's tasks run: a container or the raw machine, behind one small interface. */
import type { TryEnd } from './supervisor.js';

/** Alive from its start until close(). */
export interface TaskHost {
  /** Runs one try of a task to its end; the worker's clock decides when that is late. */
  run(number: number, attempt: number): Promise<TryEnd>;
  /**
   * Ends the running task with everything it started: TERM, the grace period, KILL, and nothing survives.
   * Where even that fails, the host itself is ended.
   */
  endTask(): Promise<EndedTask>;
  /** Ends everything that is left, and removes the container; never throws. A text where something could not be ended. */
  close(): Promise<string | undefined>;
}

export interface EndedTask {
  /** the next task needs another host */
  readonly isHostGone: boolean;
  /** what could not be ended, for the reader */
  readonly notice?: string;
}
