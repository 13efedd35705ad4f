/** Formats the shell script of a task. */
import { quoteShellWord } from '../../model/shell-word.js';
import type { TaskDeclaration } from '../../model/task.js';

export interface ScriptOptions {
  /** variables of all tasks of the job; the task's own override them */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
}

/**
 * Formats the task's environment, its folder, and its command. The supervisor runs the script with `sh -e`. The exports
 * share the command's first line, so that the line numbers in shell messages match the command in soil.yml. The variables
 * are not passed to the engine's client, whose PATH, HOME and DOCKER_HOST would change.
 */
export function formatScript(
  task: Pick<TaskDeclaration, 'environment' | 'run'>,
  { environment = {}, workingFolder }: ScriptOptions = {},
): string {
  const assignments = Object.entries({ ...environment, ...task.environment }).map(
    ([name, value]) => `${name}=${quoteShellWord(value)}`,
  );
  const exports = assignments.length === 0 ? '' : `export ${assignments.join(' ')}; `;
  // With `./`, cd ignores CDPATH.
  const folder = workingFolder === undefined ? '' : `cd ${quoteShellWord(`./${workingFolder}`)}; `;
  return `${exports}${folder}${task.run}\n`;
}
