/** The files of a job in the worker's state, and the control folder through which the worker and the supervisor communicate. */
import { constants } from 'node:fs';
import { chmod, copyFile, link, lstat, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import type { JobName, TaskName } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { builtinName, builtinScript } from '../config/builtin-task.js';

/** Run in task hosts: the supervisor, and what a container adds to it. */
const hostScripts = ['supervisor.sh', 'container.sh', 'home.sh'];
/** A file in the control folder that replaces `/etc/gitconfig` in the container. */
export const gitConfigName = 'gitconfig';
const gitConfig = '[include]\n\tpath = /etc/gitconfig\n[safe]\n\tdirectory = *\n';
/** The names of a job's files, in the state and in the copy for the user. */
export const logsFolderName = 'logs';
export const artifactsFolderName = 'artifacts';
export const buildLogName = 'image-build.txt';

/** Space reserved on the disk, so that the record can be written even when the tasks have filled the disk. */
const reserveBytes = { archive: 1536 * 1024, record: 512 * 1024 };
export type Reserve = keyof typeof reserveBytes;

/** The three files of a finished job, as absolute paths. */
export interface JobFiles {
  readonly json: string;
  readonly tsv: string;
  readonly wwz: string;
}

export interface JobFolder {
  readonly files: JobFiles;
  /** mounted into the container */
  readonly control: string;
  /** the output of `tasks-from` */
  readonly taskList: string;
  /** a folder for pipes that no task uses yet */
  readonly sparePipes: string;
  /** the output of the image build, if there is one */
  readonly buildLog: string;
  /** a folder for what comes from another machine */
  readonly remoteFiles: string;
  tryLog(number: number, tryNumber: number): string;
  /** the path for the redacted copy of the nth result */
  redactedCopy(n: number): string;
  /** frees reserved disk space */
  releaseReserve(reserve: Reserve): Promise<void>;
  /** removes the control folder, with the tasks' scripts and the environment that they contain */
  close(): Promise<void>;
}

/** Returns the paths of the three files in a job's folder. */
export function jobFilePaths(folder: string, job: JobName): JobFiles {
  const file = (suffix: string) => join(folder, `${job}.${suffix}`);
  return { json: file('json'), tsv: file('tsv'), wwz: file('wwz') };
}

/** Creates the folder. Removes the files of an earlier run of the same job. */
export async function createJobFolder(out: string, job: JobName): Promise<JobFolder> {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, logsFolderName), { recursive: true });
  // Other users of the machine cannot enter `locked`. The container mounts only the folder inside it, which every user
  // can read, since the container's user can be any.
  const locked = join(out, 'control');
  await mkdir(locked, { mode: 0o700 });
  const control = join(locked, 'soil');
  for (const folder of [control, join(control, 'task')]) {
    await mkdir(folder);
    await chmod(folder, 0o755);
  }
  const logs = join(locked, 'log');
  await mkdir(logs);
  const reserveFile = (reserve: Reserve) => join(locked, `reserve-${reserve}`);
  for (const reserve of ['archive', 'record'] as const) {
    await writeFile(reserveFile(reserve), Buffer.alloc(reserveBytes[reserve]));
  }
  for (const script of hostScripts)
    await copyFile(fileURLToPath(new URL(`shims/${script}`, packageRoot)), join(control, script));
  await copyFile(builtinScript, join(control, builtinName));
  await writeShared(join(control, gitConfigName), gitConfig, 0o644);
  for (const script of [...hostScripts, builtinName]) await chmod(join(control, script), 0o644);
  return {
    files: jobFilePaths(out, job),
    control,
    taskList: join(locked, 'task-list'),
    sparePipes: join(locked, 'fifo'),
    buildLog: join(out, buildLogName),
    remoteFiles: join(out, 'remote'),
    tryLog: (number, tryNumber) => join(logs, `${number}.${tryNumber}`),
    redactedCopy: (n) => join(locked, `copy-${n}`),
    releaseReserve: (reserve) => rm(reserveFile(reserve), { force: true }),
    close: () => rm(locked, { recursive: true, force: true }),
  };
}

/** Writes a task's script to the path that the supervisor reads. */
export const writeScript = (folder: JobFolder, number: number, text: string): Promise<void> =>
  writeShared(join(folder.control, 'task', `${number}.sh`), text, 0o644);

/**
 * Writes a file with exactly this mode, regardless of the umask. Does not follow links: tasks can write to the folder, and
 * a link could point to any file of the machine.
 */
async function writeShared(file: string, text: string, mode: number): Promise<void> {
  const folder = dirname(file);
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${quote(folder, 300)} is no longer a folder`);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    if (text !== '') await handle.writeFile(text);
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

/** Returns the path of the log of a task's last try, for people to read. */
export const taskLogPath = (out: string, task: TaskName): string => join(out, logsFolderName, `${task}.txt`);

/**
 * Links the log to the path that people read, or copies it when the file system has no hard links. Does nothing when a
 * task has replaced the log by something that is not a regular file.
 */
export async function linkTaskLog(out: string, log: string, task: TaskName): Promise<void> {
  if (!(await isRegularFile(log))) return;
  const path = taskLogPath(out, task);
  await link(log, path).catch(() => copyFile(log, path));
}

/** Reports whether a path is a regular file: not a link, not a pipe. */
export const isRegularFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
