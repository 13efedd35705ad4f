/** The tasks of a job: as declared, or as a command of the repo lists them where they will run. */
import { constants } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { shellWord } from '../../model/shell-word.js';
import { parseTaskList, type TaskDeclaration } from '../../model/task.js';
import type { AttemptRunner } from './attempt-runner.js';
import { createWritable, writeScript, type JobFolder } from '../record/job-folder.js';
import { lastLine, readLogTail } from '../system/log-tail.js';
import type { Redactor } from '../redact/redactor.js';
import type { LoopOptions } from './run-task.js';
import { scriptOf, taskCookie } from './task-script.js';

/** The job's tasks; where a command lists them, it runs where they will run, as number 0. */
export async function listTasks(
  [keeper]: readonly AttemptRunner[],
  folder: JobFolder,
  control: string,
  { job, environment, cookie, logRedactor, redactor }: LoopOptions & { readonly redactor?: Redactor },
): Promise<Result<readonly TaskDeclaration[]>> {
  if (job.tasksFrom === undefined || keeper === undefined) return accept(job.tasks);
  const log = folder.attemptLog(0, 1);
  await createWritable(log);
  const script = { environment: {}, run: `exec >${shellWord(`${control}/task-list`)}\n${job.tasksFrom}` };
  const own = cookie === undefined ? {} : { cookie: taskCookie(cookie, 0) };
  await writeScript(folder, 0, scriptOf(script, { environment, ...own }));
  const stopRedacting = logRedactor?.follow(log);
  const tried = await keeper.try({ number: 0, attempt: 1 }, job);
  await stopRedacting?.();
  if (tried.outcome !== 'passed') {
    const why = tried.trouble?.reason ?? lastLine(await readLogTail(log)) ?? 'it printed nothing';
    return refuse(
      `cannot list the tasks by ${quote(job.tasksFrom)}: ${tried.outcome}, exit status ${tried.status}: ${why}`,
    );
  }
  const text = await readTaskList(folder.taskList);
  if (text.ok && redactor !== undefined && redactor.redact(text.value) !== text.value) {
    await writeFile(folder.taskList, redactor.redact(text.value));
    return refuse(
      `cannot use the output of ${quote(redactor.redact(job.tasksFrom))}: it holds the value of a secret`,
    );
  }
  return text.ok ? parseTaskList(text.value, `the output of ${quote(job.tasksFrom)}`) : text;
}

const taskListBytes = 4 * 1024 * 1024;

async function readTaskList(file: string): Promise<Result<string>> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile())
      return refuse('cannot read the task list: a task has put something else in its place');
    const { size } = facts;
    if (size > taskListBytes) {
      return refuse(`cannot read a task list of ${size} bytes: more than ${taskListBytes}`);
    }
    return accept(await handle.readFile('utf8'));
  } finally {
    await handle.close();
  }
}
