/** Chooses where a job's tasks run: in a container or on the raw machine. */
import { containerHost, type ContainerGit } from './container-host.js';
import type { Engine } from '../engine/engine.js';
import type { RunJobOptions } from '../record/progress.js';
import type { HostOptions, PreparedImage } from '../engine/prepare-image.js';
import { withoutHidden } from '../system/hidden-variables.js';
import { rawHost } from './raw-host.js';
import { createCookie } from './task-cookie.js';
import type { HostMaker } from './task-host.js';

/** Returns the task host of a job. `image` is undefined on the raw machine. `control` is the path of the control folder. */
export function chooseHost(
  image: Pick<PreparedImage, 'engine' | 'name' | 'args'> | undefined,
  control: string,
  options: RunJobOptions,
  git?: ContainerGit,
): HostMaker {
  const { job, repo } = options;
  const cookie = createCookie();
  if (image === undefined) {
    // The supervisor's own PATH has no folder of the repo; the script of each task sets the user's.
    const environment = withoutHidden(options.environment);
    return rawHost({ control, repo, environment, cookie, isIsolated: job.isolate === true });
  }
  const { engine, name, args } = image;
  const userFlags = planUserFlags(options, engine);
  return containerHost({
    ...{ engine, image: name, imageArgs: args, job, control, repo, cookie, userFlags },
    ...(git !== undefined && { git }),
  });
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
