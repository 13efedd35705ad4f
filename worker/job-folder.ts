/** The folder that a job leaves behind, and the control folder in it that the supervisor reads and writes. */
import { chmod, copyFile, link, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobName, TaskName } from '../model/name.js';
import type { JobFiles } from './progress.js';

/** The package's supervisor, seen from dist/worker/. */
const supervisorScript = fileURLToPath(new URL('../../shims/supervisor.sh', import.meta.url));
/** Kept free for the record: a disk that the tasks filled must not swallow the news of it. */
const reserveBytes = 2 * 1024 * 1024;

export interface JobFolder {
  readonly files: JobFiles;
  /** mounted into the container */
  readonly control: string;
  readonly script: string;
  readonly taskList: string;
  logOf(number: number, attempt: number): string;
}

/** Makes the folder anew: what an earlier run of the same job left in it is removed. */
export async function makeJobFolder(out: string, job: JobName): Promise<JobFolder> {
  await rm(out, { recursive: true, force: true });
  const control = join(out, 'control');
  await mkdir(join(control, 'task'), { recursive: true });
  await mkdir(join(control, 'log'));
  await mkdir(join(out, 'logs'));
  await writeFile(reserveOf(out), Buffer.alloc(reserveBytes));
  const script = join(control, 'supervisor.sh');
  await copyFile(supervisorScript, script);
  const taskList = join(control, 'task-list');
  await makeWritable(taskList);
  return {
    files: { json: join(out, `${job}.json`), tsv: join(out, `${job}.tsv`), wwz: join(out, `${job}.wwz`) },
    control,
    script,
    taskList,
    logOf: (number, attempt) => join(control, 'log', `${number}.${attempt}`),
  };
}

const reserveOf = (out: string) => join(out, '.reserve');

/** Gives back what was kept free. */
export const releaseReserve = (out: string): Promise<void> => rm(reserveOf(out), { force: true });

/** Made by the worker, so that it belongs to its user; open to all, since the container's user may be another. */
export async function makeWritable(file: string): Promise<void> {
  await writeFile(file, '');
  await chmod(file, 0o666);
}

/** Puts a task's script where the supervisor looks for it. */
export async function writeScript(folder: JobFolder, number: number, text: string): Promise<void> {
  await writeFile(join(folder.control, 'task', `${number}.sh`), text, { mode: 0o644 });
}

/** The log of a task's last try, under the task's name in `logs/`, for a reader at the desk. */
export async function nameLog(out: string, log: string, task: TaskName): Promise<string> {
  const named = join(out, 'logs', `${task}.txt`);
  await rm(named, { force: true });
  await link(log, named);
  return named;
}

/** Written whole or not at all: a temporary file in the same folder, then a rename. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = join(dirname(file), `.${process.pid}.tmp`);
  const handle = await open(temporary, 'w', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
