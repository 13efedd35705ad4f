/** Lists the tasks of a job: those of soil.yml, or the output of the job's `tasks-from` command. */
import { writeFile } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { quoteShellWord } from '../../model/shell-word.js';
import { parseTaskList, type TaskDeclaration } from '../../model/task.js';
import type { TryRunner } from './try-runner.js';
import { writeScript, type JobFolder } from '../state/job-folder.js';
import { readLogTail } from '../output/log-tail.js';
import { lastLine } from '../system/log-tail.js';
import { listPipeName } from '../output/output-channel.js';
import { OutputText } from '../output/output-text.js';
import { runLoggedTry } from './logged-try.js';
import type { TaskRunOptions } from './run-task.js';
import { formatScript } from './task-script.js';

/** Returns the declared tasks. With `tasks-from`, runs that command on the job's host, as task 0, and parses its output. */
export async function listTasks(
  [runner]: readonly TryRunner[],
  folder: JobFolder,
  control: string,
  { job, environment, output, redactor }: TaskRunOptions,
): Promise<Result<readonly TaskDeclaration[]>> {
  if (job.tasksFrom === undefined || runner === undefined) return accept(job.tasks);
  const request = { number: 0, try: 1 };
  const log = folder.tryLog(0, 1);
  const script = {
    environment: {},
    run: `exec >${quoteShellWord(`${control}/out/${listPipeName(request)}`)}\n${job.tasksFrom}`,
  };
  await writeScript(folder, 0, formatScript(script, { environment }));
  const list = new OutputText(maxTaskListBytes);
  const end = await runLoggedTry(runner, request, job, { output, log, redactor, list });
  if (end.outcome !== 'passed') {
    const why = end.abort?.reason ?? lastLine(await readLogTail(log)) ?? 'it printed nothing';
    return refuse(
      `cannot list the tasks with ${quote(job.tasksFrom)}: ${end.outcome}, exit status ${end.status}: ${why}`,
    );
  }
  if (list.bytes > maxTaskListBytes) {
    return refuse(`cannot read a task list of ${list.bytes} bytes: the limit is ${maxTaskListBytes}`);
  }
  const text = list.toString();
  const redacted = redactor?.redact(text) ?? text;
  await writeFile(folder.taskList, redacted);
  if (redacted !== text) {
    return refuse(
      `cannot use the output of ${quote(redactor?.redact(job.tasksFrom) ?? '')}: it contains the value of a secret`,
    );
  }
  return parseTaskList(text, `the output of ${quote(job.tasksFrom)}`);
}

const maxTaskListBytes = 4 * 1024 * 1024;
