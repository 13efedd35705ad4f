/** Lists the tasks of a job: those of soil.yml, or the output of the job's `tasks-from` command. */
import { constants } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { quoteShellWord } from '../../model/shell-word.js';
import { parseTaskList, type TaskDeclaration } from '../../model/task.js';
import type { TryRunner } from './try-runner.js';
import { createWritable, writeScript, type JobFolder } from '../state/job-folder.js';
import { lastLine, readLogTail } from '../system/log-tail.js';
import type { Redactor } from '../redact/redactor.js';
import type { TaskRunOptions } from './run-task.js';
import { taskCookie } from '../host/task-cookie.js';
import { formatScript } from './task-script.js';

/** Returns the declared tasks. With `tasks-from`, runs that command on the job's host, as task 0, and parses its output. */
export async function listTasks(
  [runner]: readonly TryRunner[],
  folder: JobFolder,
  control: string,
  { job, environment, cookie, logRedactor, redactor }: TaskRunOptions & { readonly redactor?: Redactor },
): Promise<Result<readonly TaskDeclaration[]>> {
  if (job.tasksFrom === undefined || runner === undefined) return accept(job.tasks);
  const log = folder.tryLog(0, 1);
  await createWritable(log);
  const script = {
    environment: {},
    run: `exec >${quoteShellWord(`${control}/task-list`)}\n${job.tasksFrom}`,
  };
  const own = cookie === undefined ? {} : { cookie: taskCookie(cookie, 0) };
  await writeScript(folder, 0, formatScript(script, { environment, ...own }));
  const stopRedacting = logRedactor?.follow(log);
  const end = await runner.run({ number: 0, try: 1 }, job);
  await stopRedacting?.();
  if (end.outcome !== 'passed') {
    const why = end.abort?.reason ?? lastLine(await readLogTail(log)) ?? 'it printed nothing';
    return refuse(
      `cannot list the tasks with ${quote(job.tasksFrom)}: ${end.outcome}, exit status ${end.status}: ${why}`,
    );
  }
  const text = await readTaskList(folder.taskList);
  if (text.ok && redactor !== undefined && redactor.redact(text.value) !== text.value) {
    await writeFile(folder.taskList, redactor.redact(text.value));
    return refuse(
      `cannot use the output of ${quote(redactor.redact(job.tasksFrom))}: it contains the value of a secret`,
    );
  }
  return text.ok ? parseTaskList(text.value, `the output of ${quote(job.tasksFrom)}`) : text;
}

const maxTaskListBytes = 4 * 1024 * 1024;

async function readTaskList(file: string): Promise<Result<string>> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile())
      return refuse('cannot read the task list: the command replaced it with something that is not a file');
    const { size } = facts;
    if (size > maxTaskListBytes) {
      return refuse(`cannot read a task list of ${size} bytes: the limit is ${maxTaskListBytes}`);
    }
    return accept(await handle.readFile('utf8'));
  } finally {
    await handle.close();
  }
}
