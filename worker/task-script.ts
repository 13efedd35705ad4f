/** What a task's shell gets to run: environment and command -> the text of its script. Pure. */
import type { TaskDeclaration } from '../model/task.js';

/**
 * The task's environment, then its command; the supervisor runs it with `sh -e`. The exports stand on the command's own
 * first line, so that the line numbers in the shell's messages are those of soil.yml's text. They are not handed through
 * the engine's client: a task's PATH, HOME or DOCKER_HOST is not the client's.
 */
export function scriptOf(
  task: Pick<TaskDeclaration, 'environment' | 'run'>,
  jobEnvironment: Readonly<Record<string, string>> = {},
): string {
  const words = Object.entries({ ...jobEnvironment, ...task.environment }).map(
    ([name, value]) => `${name}=${shellWord(value)}`,
  );
  return `${words.length === 0 ? '' : `export ${words.join(' ')}; `}${task.run}\n`;
}

/** Text as one word of the shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
