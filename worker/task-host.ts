/** Where a job's tasks run: a container or the raw machine, behind one small interface. */
import type { SupervisorLost, TryEnd } from './supervisor.js';

/** Alive from its start until close(). */
export interface TaskHost {
  /** Runs one try of a task to its end; the worker's clock decides when that is late. */
  run(number: number, attempt: number): Promise<TryEnd | SupervisorLost>;
  /**
   * Ends the running task with everything it started: TERM, the grace period, KILL, and nothing survives.
   * Where even that fails, the host itself is ended, and run() returns that it was lost.
   */
  endTask(): Promise<void>;
  /** Ends everything that is left, and removes the container; never throws. */
  close(): Promise<void>;
}
