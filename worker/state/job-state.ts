/** Where the worker keeps the files of a job: one folder for each output folder and job, which one process uses at a time. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock, type Lock } from '../../files/process-lock.js';
import type { JobName } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { planOutPath, type OutPath } from './out-path.js';
import { openStateFolder } from './state-folder.js';
import { jobsFolder, stateKey, writeAnchor } from './state-key.js';

const outState = (state: string, out: OutPath): string => join(state, jobsFolder, stateKey(out.path));

export interface JobPlace {
  readonly repo: string;
  readonly cwd: string;
  /** the value of `--out` */
  readonly out: string | undefined;
  readonly job: JobName;
}

export interface JobState {
  readonly out: OutPath;
  /** the worker's state */
  readonly state: string;
  /** the job's folder in it, which exists if the job ran */
  readonly folder: string;
}

/** Returns where the files of a job are that runs, or ran, with this output folder. */
export async function locateJob(
  environment: Readonly<Record<string, string | undefined>>,
  { repo, cwd, out, job }: JobPlace,
): Promise<Result<JobState>> {
  const state = await openStateFolder(environment, repo);
  if (!state.ok) return state;
  const path = await planOutPath(out, { repo, cwd });
  if (!path.ok) return path;
  return accept({
    out: path.value,
    state: state.value,
    folder: join(outState(state.value, path.value), job),
  });
}

/**
 * Takes the lock of a job with this output folder, so that no other process writes the job's files. Refuses with one
 * sentence while another process runs the job.
 */
export async function lockJob({ state, out }: JobState, job: JobName): Promise<Result<Lock>> {
  const folder = outState(state, out);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await tryLock(join(folder, `${job}.lock`));
  if (lock.kind === 'held')
    return refuse(
      `cannot run job ${quote(job)}: process ${lock.owner} is running it in ${quote(out.path, 300)}`,
    );
  await writeAnchor(folder, out.anchor);
  return accept(lock.lock);
}
