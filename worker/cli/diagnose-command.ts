/** `soil-worker diagnose`: runs the built-in tasks on this machine, as a job on the raw machine would. */
import { spawn } from 'node:child_process';
import { builtinScript, parseBuiltinName } from '../config/builtin-task.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from '../system/command-context.js';
import { withoutHidden } from '../system/hidden-variables.js';

/** Runs the tasks with this process's output. Returns their exit status, or 2 for an unknown task. */
export async function diagnoseCommand(tasks: readonly string[], context: CommandContext): Promise<number> {
  for (const task of tasks) {
    const name = parseBuiltinName(task, 'task');
    if (name.ok) continue;
    context.warn(name.error);
    return exitStatus.usage;
  }
  const child = spawn('/bin/sh', [builtinScript, ...tasks], {
    cwd: context.cwd,
    env: withoutHidden({ ...context.environment, PATH: context.userPath }),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      resolve(status ?? exitStatus.failed);
    });
  });
}
