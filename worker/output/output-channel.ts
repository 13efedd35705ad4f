/** The interface between the streams that carry the output of tasks and the logs that it goes to. */
import type { OutputSink } from './output-sink.js';
import type { TaskLog } from './task-log.js';

/** Identifies one execution of a task: the number of its script, and the count of its tries from 1. */
export interface TryId {
  readonly number: number;
  readonly try: number;
}

/** The name of the pipe that is the output of a try, in the folder `out` of the control folder. */
export const pipeName = ({ number, try: tryNumber }: TryId): string => `${number}.${tryNumber}`;
/** The name of a second pipe: the standard output of a command that lists tasks. */
export const listPipeName = (id: TryId): string => `${pipeName(id)}.list`;

/** Carries the output of a host's tasks to their logs. */
export interface OutputChannel {
  /**
   * Prepares where the output of a try arrives. Call it before the try starts. `list` receives a second stream: the
   * standard output of a command that lists tasks. Rejects if that is not possible.
   */
  begin(id: TryId, log: TaskLog, list?: OutputSink): Promise<void>;
  /**
   * Call it after the try ended. Resolves when all output written before its end is in the log; what arrives later is
   * marked as late. Rejects if output could not be read or written.
   */
  end(id: TryId): Promise<void>;
  /** Call it when the job is over: stops reading and closes every log. Rejects if late output could not be written. */
  close(): Promise<void>;
}
