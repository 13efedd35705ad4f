/** What a task's shell gets to run: environment and command -> the text of its script. Pure. */
import { shellWord } from '../../model/shell-word.js';
import type { TaskDeclaration } from '../../model/task.js';

/** Every task's environment has it; see worker/process-tree.ts. */
export const cookieVariable = 'SOIL_TASK_COOKIE';
/** What tells a task from others that run beside it. */
export const taskCookie = (cookie: string, number: number): string => `${cookie}.${number}.`;

export interface ScriptOptions {
  /** of every task of the job, before its own */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  /** where tasks run at once: what tells this one's processes from the others' */
  readonly cookie?: string;
}

/**
 * The task's environment, its folder, then its command; the supervisor runs it with `sh -e`. The exports stand on the
 * command's own first line, so that the line numbers in the shell's messages are those of soil.yml's text. They are not
 * handed through the engine's client: a task's PATH, HOME or DOCKER_HOST is not the client's.
 */
export function scriptOf(
  task: Pick<TaskDeclaration, 'environment' | 'run'>,
  { environment = {}, workingFolder, cookie }: ScriptOptions = {},
): string {
  const words = Object.entries({ ...environment, ...task.environment }).map(
    ([name, value]) => `${name}=${shellWord(value)}`,
  );
  // A worker within a task of another worker has a cookie already: both must find their own.
  const outer = `\${${cookieVariable}:+$${cookieVariable}:}`;
  if (cookie !== undefined) words.unshift(`${cookieVariable}="${outer}${cookie}"`);
  const exports = words.length === 0 ? '' : `export ${words.join(' ')}; `;
  // `./` keeps the shell from looking through CDPATH.
  const folder = workingFolder === undefined ? '' : `cd ${shellWord(`./${workingFolder}`)}; `;
  return `${exports}${folder}${task.run}\n`;
}
