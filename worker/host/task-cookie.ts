/** Marks the processes of a job by a word in their environment. shims/supervisor.sh extends it for each task. */
import { randomBytes } from 'node:crypto';

/** The variable that marks the processes of a job. */
export const cookieVariable = 'SOIL_TASK_COOKIE';

/** Returns a random word, which no other job has. */
export const createCookie = (): string => randomBytes(16).toString('hex');

/**
 * Returns the variable for a supervisor with this word. A worker may run in a task of another worker, whose word must
 * remain, so that each finds its own processes.
 */
export function cookieEnvironment(
  cookie: string,
  outer: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const before = outer[cookieVariable];
  return { [cookieVariable]: before === undefined ? cookie : `${before}:${cookie}` };
}
