/** The folder that a job leaves behind, and the control folder in it that the supervisor reads and writes. */
import { constants } from 'node:fs';
import { chmod, copyFile, link, lstat, mkdir, open, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../files/package-root.js';
import type { JobName, TaskName } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { builtinName, builtinScript } from '../config/builtin-task.js';
import type { JobFiles } from './progress.js';

const supervisorScript = fileURLToPath(new URL('shims/supervisor.sh', packageRoot));
/** In the control folder: what git of a container finds in place of the image's `/etc/gitconfig`. */
export const gitConfigName = 'gitconfig';
const gitConfig = '[include]\n\tpath = /etc/gitconfig\n[safe]\n\tdirectory = *\n';
/** Kept free: a disk that the tasks filled must not swallow the news of it. */
const reserveBytes = { archive: 1536 * 1024, record: 512 * 1024 };
export type Reserve = keyof typeof reserveBytes;

export interface JobFolder {
  readonly files: JobFiles;
  /** mounted into the container */
  readonly control: string;
  readonly taskList: string;
  /** what a build of the job's image printed, where there is one */
  readonly buildLog: string;
  attemptLog(number: number, attempt: number): string;
  /** where a result is copied that is not to be kept as it is */
  redactedCopy(n: number): string;
  /** no log is to be read by anybody */
  removeLogs(): Promise<void>;
  /** gives back what was kept free */
  releaseReserve(reserve: Reserve): Promise<void>;
  /** the files' folder again, should a task have removed it (`git clean -fdx`) or put a link in its place */
  restore(): Promise<void>;
  /** removes the control folder, with the tasks' scripts and what stands in their environment */
  close(): Promise<void>;
}

/** Makes the folder anew: what an earlier run of the same job left in it is removed. */
export async function createJobFolder(out: string, job: JobName): Promise<JobFolder> {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'logs'), { recursive: true });
  const places = [
    [dirname(out), await realpath(dirname(out))],
    [out, await realpath(out)],
  ] as const;
  // Other users of the machine stay outside: the container's user, who may be anybody, sees only the folder within.
  const lock = join(out, 'control');
  await mkdir(lock, { mode: 0o700 });
  const control = join(lock, 'soil');
  for (const folder of [control, join(control, 'task'), join(control, 'log')]) {
    await mkdir(folder);
    await chmod(folder, 0o755);
  }
  const reserveOf = (reserve: Reserve) => join(lock, `reserve-${reserve}`);
  for (const reserve of ['archive', 'record'] as const) {
    await writeFile(reserveOf(reserve), Buffer.alloc(reserveBytes[reserve]));
  }
  await copyFile(supervisorScript, join(control, 'supervisor.sh'));
  await copyFile(builtinScript, join(control, builtinName));
  await writeOpen(join(control, gitConfigName), gitConfig, 0o644);
  for (const script of ['supervisor.sh', builtinName]) await chmod(join(control, script), 0o644);
  const taskList = join(control, 'task-list');
  await createWritable(taskList);
  await createWritable(memoryFile(control, 1));
  return {
    files: { json: join(out, `${job}.json`), tsv: join(out, `${job}.tsv`), wwz: join(out, `${job}.wwz`) },
    control,
    taskList,
    buildLog: join(out, 'image-build.txt'),
    attemptLog: (number, attempt) => join(control, 'log', `${number}.${attempt}`),
    redactedCopy: (n) => join(lock, `copy-${n}`),
    removeLogs: async () => {
      for (const logs of [join(control, 'log'), join(out, 'logs')])
        await rm(logs, { recursive: true, force: true });
    },
    releaseReserve: (reserve) => rm(reserveOf(reserve), { force: true }),
    restore: async () => {
      for (const [folder, was] of places) {
        const is = await realpath(folder).catch(() => undefined);
        // What leads elsewhere now is a link that a task has made, not where the files belong.
        if (is !== was && (await lstat(folder).catch(() => undefined))?.isSymbolicLink() === true)
          await rm(folder);
      }
      await mkdir(out, { recursive: true });
    },
    close: () => rm(lock, { recursive: true, force: true }),
  };
}

/** Made by the worker, so that it belongs to its user; open to all, since the container's user may be another. */
export const createWritable = (file: string): Promise<void> => writeOpen(file, '', 0o666);

/** Where the supervisor of a lane is told how much memory its task took. */
export const memoryFile = (control: string, lane: number): string => join(control, `memory.${lane}`);

/** Puts a task's script where the supervisor looks for it. */
export const writeScript = (folder: JobFolder, number: number, text: string): Promise<void> =>
  writeOpen(join(folder.control, 'task', `${number}.sh`), text, 0o644);

/**
 * The mode as it stands, whatever the umask. Tasks can write where these files are: a link that one has put there must
 * not lead the worker to a file of the machine's.
 */
async function writeOpen(file: string, text: string, mode: number): Promise<void> {
  const folder = dirname(file);
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${quote(folder, 300)} is no folder any more`);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    if (text !== '') await handle.writeFile(text);
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

/** Where the log of a task's last try is for a reader at the desk. */
export const taskLogPath = (out: string, task: TaskName): string => join(out, 'logs', `${task}.txt`);

/** The same file under both names; a copy where the file system knows no links. What a task has put in its place is no log. */
export async function linkTaskLog(out: string, log: string, task: TaskName): Promise<void> {
  if (!(await isRegularFile(log))) return;
  const named = taskLogPath(out, task);
  await link(log, named).catch(() => copyFile(log, named));
}

/** A file that can be read as it stands there: no link, no pipe. */
export const isRegularFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
