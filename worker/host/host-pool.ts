/** Chooses where a job's tasks run: in a container or on the raw machine, one after another or in parallel. */
import { randomBytes } from 'node:crypto';
import { parallelContainer, sequentialContainer } from './container-host.js';
import type { Engine } from '../engine/engine.js';
import type { JobFolder } from '../state/job-folder.js';
import type { RunJobOptions } from '../record/progress.js';
import { parallelShells, sequentialShell } from './raw-host.js';
import { rawEnvironment, type HostOptions, type PreparedImage } from '../engine/prepare-image.js';
import type { HostPool } from './task-host.js';

export interface JobHosts {
  readonly pool: HostPool;
  /** marks the job's processes: a random word in their environment. Absent if the container alone identifies them */
  readonly cookie?: string;
}

/** Creates the hosts of a job. `image` is undefined on the raw machine. Starts nothing yet. */
export function createHostPool(
  image: Pick<PreparedImage, 'engine' | 'name' | 'args'> | undefined,
  { control }: JobFolder,
  options: RunJobOptions,
): JobHosts {
  const { job, repo } = options;
  const isParallel = (job.parallel ?? 1) > 1;
  const cookie = randomBytes(16).toString('hex');
  if (image === undefined) {
    const raw = {
      control,
      repo,
      cookie,
      environment: rawEnvironment(options),
      graceSeconds: job.graceSeconds,
    };
    return isParallel ? { pool: parallelShells(raw), cookie } : { pool: sequentialShell(raw) };
  }
  const { engine, name, args } = image;
  const userFlags = planUserFlags(options, engine);
  const container = { engine, image: name, imageArgs: args, job, control, repo, userFlags };
  return isParallel
    ? { pool: parallelContainer(container, cookie), cookie }
    : { pool: sequentialContainer(container) };
}

/**
 * Returns the flags that map a numeric `user` of the job to the worker's user under rootless podman. The tasks can then
 * write to the repo, and the worker's user owns the files that they create.
 */
export function planUserFlags({ job }: Pick<HostOptions, 'job'>, engine: Engine): readonly string[] {
  const [, user, group = user] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(job.user ?? '') ?? [];
  if (user === undefined || engine.program !== 'podman' || process.getuid?.() === 0) return [];
  if (job.engineFlags.some((flag) => /^--(userns|uidmap|gidmap)/.test(flag))) return [];
  return ['--userns', `keep-id:uid=${user},gid=${group}`];
}
