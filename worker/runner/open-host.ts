/** A job -> the place its tasks run in: a container or the raw machine, for one task after another or for several at once. */
import { randomBytes } from 'node:crypto';
import { containerLanes, containerLayout } from './container-host.js';
import type { Engine } from '../engine/engine.js';
import type { JobFolder } from '../record/job-folder.js';
import type { RunJobOptions } from '../record/progress.js';
import { rawLanes, rawLayout } from './raw-host.js';
import { taskEnvironment, type HostOptions, type PreparedImage } from '../engine/prepare-image.js';
import type { TaskHostLayout } from './task-host.js';

export interface OpenedHost {
  readonly place: TaskHostLayout;
  /** a random word in the environment of its tasks; absent where a container tells them from others */
  readonly cookie?: string;
}

export function openHost(
  image: Pick<PreparedImage, 'engine' | 'name' | 'args'> | undefined,
  { control }: JobFolder,
  options: RunJobOptions,
): OpenedHost {
  const { job, repo } = options;
  const isParallel = (job.parallel ?? 1) > 1;
  const cookie = randomBytes(16).toString('hex');
  if (image === undefined) {
    const raw = {
      control,
      repo,
      cookie,
      environment: taskEnvironment(options),
      graceSeconds: job.graceSeconds,
    };
    return isParallel ? { place: rawLanes(raw), cookie } : { place: rawLayout(raw) };
  }
  const { engine, name, args } = image;
  const userFlags = userFlagsOf(options, engine);
  const container = { engine, image: name, words: args, job, control, repo, userFlags };
  return isParallel
    ? { place: containerLanes(container, cookie), cookie }
    : { place: containerLayout(container) };
}

/**
 * Without root, podman runs containers in a user namespace: only one user of the container is this machine's own. Where
 * the job names its user by number, that one is: it may write to the repo, and what it writes belongs to the worker's user.
 */
export function userFlagsOf({ job }: Pick<HostOptions, 'job'>, engine: Engine): readonly string[] {
  const [, user, group = user] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(job.user ?? '') ?? [];
  if (user === undefined || engine.program !== 'podman' || process.getuid?.() === 0) return [];
  if (job.engineFlags.some((flag) => /^--(userns|uidmap|gidmap)/.test(flag))) return [];
  return ['--userns', `keep-id:uid=${user},gid=${group}`];
}
