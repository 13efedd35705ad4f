/** Runs a program of the worker's own with its output in a log, through a pipe, as that of a task. */
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redactor } from '../redact/redactor.js';
import { runProcess, type CommandResult, type ProcessOptions } from '../system/run-process.js';
import { FifoMaker } from './fifo-maker.js';
import { FifoReader } from './fifo-reader.js';
import { TaskLog } from './task-log.js';

export interface LoggedProcessOptions extends Omit<ProcessOptions, 'log'> {
  /** the path of the log; a file there is replaced */
  readonly log: string;
  readonly redactor?: Redactor | undefined;
}

/** Runs the program. When it returns, its output and the line index are written. Rejects if that fails. */
export async function runLoggedProcess(
  program: string,
  args: readonly string[],
  { log: file, redactor, ...options }: LoggedProcessOptions,
): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-output-'));
  try {
    const path = join(folder, 'out');
    const maker = new FifoMaker({ folder: join(folder, 'spare'), environment: options.environment });
    await maker.make(path);
    await TaskLog.remove(file);
    const log = await TaskLog.create({ file, redactor });
    try {
      const reader = new FifoReader(path, log);
      const output = openSync(path, constants.O_WRONLY);
      const end = await runProcess(program, args, { ...options, log: output }).finally(() => {
        closeSync(output);
      });
      await reader.end();
      reader.close();
      await reader.closed;
      if (reader.failure !== undefined) throw reader.failure;
      return end;
    } finally {
      await log.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
