/** Marks the processes of a job, and of each of its tasks, by a word in their environment. */

/** The variable that marks the processes of a job. */
export const cookieVariable = 'SOIL_TASK_COOKIE';
/** Returns the value that marks the processes of one task among tasks that run in parallel. */
export const taskCookie = (cookie: string, number: number): string => `${cookie}.${number}.`;
