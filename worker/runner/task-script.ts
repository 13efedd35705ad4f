/** Formats the shell script of a task. */
import { quoteShellWord } from '../../model/shell-word.js';
import type { TaskDeclaration } from '../../model/task.js';

export interface ScriptOptions {
  /** variables of all tasks of the job; the task's own override them */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  /** false: a person runs the script, not the supervisor */
  readonly isSupervised?: boolean;
}

/** Reports the process id of the script's group to the supervisor, and closes the descriptors that belong to it. */
const prologue = 'echo "began $$" >&7; exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-; ';

/**
 * Formats the task's environment, its folder, and its command. The supervisor runs the script with `sh -e`. The exports
 * share the command's first line, so that the line numbers in shell messages match the command in soil.yml. The variables
 * are not passed to the engine's client, whose PATH, HOME and DOCKER_HOST would change.
 */
export function formatScript(
  task: Pick<TaskDeclaration, 'environment' | 'run'>,
  { environment = {}, workingFolder, isSupervised = true }: ScriptOptions = {},
): string {
  const assignments = Object.entries({ ...environment, ...task.environment }).map(
    ([name, value]) => `${name}=${quoteShellWord(value)}`,
  );
  const exports = assignments.length === 0 ? '' : `export ${assignments.join(' ')}; `;
  // With `./`, cd ignores CDPATH.
  const folder = workingFolder === undefined ? '' : `cd ${quoteShellWord(`./${workingFolder}`)}; `;
  return `${isSupervised ? prologue : ''}${exports}${folder}${task.run}\n`;
}
