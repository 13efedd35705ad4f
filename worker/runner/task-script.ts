/** Formats the shell script of a task. */
import { quoteShellWord } from '../../model/shell-word.js';
import type { TaskDeclaration } from '../../model/task.js';

export interface ScriptOptions {
  /** variables of all tasks of the job; the task's own override them */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  /** what the script's stderr is: the supervisor's output, for a report (the default), or already the task's own */
  readonly stderr?: 'report' | 'own';
}

/**
 * A script begins with the supervisor's output as its stderr. It reports the process id of its group, and then makes stderr
 * the same as stdout, which is the task's FIFO.
 */
const reportGroup = 'echo "began $$" >&2; exec 2>&1; ';

/**
 * Formats the task's environment, its folder, and its command. The supervisor runs the script with `sh -e`. The exports
 * share the command's first line, so that the line numbers in shell messages match the command in soil.yml. The variables
 * are not passed to the engine's client, whose PATH, HOME and DOCKER_HOST would change.
 */
export function formatScript(
  task: Pick<TaskDeclaration, 'environment' | 'run'>,
  { environment = {}, workingFolder, stderr = 'report' }: ScriptOptions = {},
): string {
  const assignments = Object.entries({ ...environment, ...task.environment }).map(
    ([name, value]) => `${name}=${quoteShellWord(value)}`,
  );
  const exports = assignments.length === 0 ? '' : `export ${assignments.join(' ')}; `;
  // With `./`, cd ignores CDPATH.
  const folder = workingFolder === undefined ? '' : `cd ${quoteShellWord(`./${workingFolder}`)}; `;
  const prologue = stderr === 'report' ? reportGroup : '';
  return `${prologue}${exports}${folder}${task.run}\n`;
}
