/** The tasks of a job: as declared, or as a command of the repo lists them where they will run. */
import { open, readFile } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { parseTaskList, type TaskDeclaration } from '../model/task.js';
import { lastLine } from './command.js';
import type { HostKeeper } from './host-keeper.js';
import { makeWritable, writeScript, type JobFolder } from './job-folder.js';
import { readLogTail } from './log-tail.js';
import type { LoopOptions } from './task-loop.js';
import { scriptOf, shellWord } from './task-script.js';

/** The job's tasks; where a command lists them, it runs where they will run, as number 0. */
export async function listTasks(
  keeper: HostKeeper,
  folder: JobFolder,
  control: string,
  { job, environment }: Pick<LoopOptions, 'job' | 'environment'>,
): Promise<Result<readonly TaskDeclaration[]>> {
  if (job.tasksFrom === undefined) return accept(job.tasks);
  const log = folder.logOf(0, 1);
  await makeWritable(log);
  const script = { environment: {}, run: `exec >${shellWord(`${control}/task-list`)}\n${job.tasksFrom}` };
  await writeScript(folder, 0, scriptOf(script, environment));
  const tried = await keeper.try(0, 1, job.timeoutSeconds);
  if (tried.outcome !== 'passed') {
    const why = tried.trouble?.reason ?? lastLine(await readLogTail(log)) ?? 'it printed nothing';
    return refuse(
      `cannot list the tasks by ${quote(job.tasksFrom)}: ${tried.outcome}, exit status ${tried.status}: ${why}`,
    );
  }
  const text = await readTaskList(folder.taskList);
  return text.ok ? parseTaskList(text.value, `the output of ${quote(job.tasksFrom)}`) : text;
}

const taskListBytes = 4 * 1024 * 1024;

async function readTaskList(file: string): Promise<Result<string>> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > taskListBytes) {
      return refuse(`cannot read a task list of ${size} bytes: more than ${taskListBytes}`);
    }
  } finally {
    await handle.close();
  }
  return accept(await readFile(file, 'utf8'));
}
