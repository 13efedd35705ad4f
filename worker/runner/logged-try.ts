/** Runs one try of a task, with its output in a log. */
import type { TryRequest } from '../host/task-try.js';
import type { OutputChannel } from '../output/output-channel.js';
import type { OutputSink } from '../output/output-sink.js';
import { TaskLog } from '../output/task-log.js';
import type { Redactor } from '../redact/redactor.js';
import type { TryLimits, TryResult, TryRunner } from './try-runner.js';

export interface LoggedTryOptions {
  readonly output: OutputChannel;
  /** the path of the log */
  readonly log: string;
  /** present if the job has secrets */
  readonly redactor?: Redactor | undefined;
  /** receives what the script writes to its second pipe, see listPipeName() */
  readonly list?: OutputSink;
}

/** Runs the try. When it returns, all its output is in the log. Rejects if the log cannot be written. */
export async function runLoggedTry(
  runner: TryRunner,
  request: TryRequest,
  limits: TryLimits,
  { output, log: file, redactor, list }: LoggedTryOptions,
): Promise<TryResult> {
  const log = await TaskLog.create({ file, redactor });
  try {
    await output.begin(request, log, list);
  } catch (error) {
    await log.close();
    throw error;
  }
  try {
    return await runner.run(request, limits);
  } finally {
    await output.end(request);
  }
}
