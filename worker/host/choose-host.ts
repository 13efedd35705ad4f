/** Chooses where a job's tasks run: in a container, on the raw machine, or on another machine. */
import { join } from 'node:path';
import type { TaskDeclaration } from '../../model/task.js';
import { containerControl, containerHost, type ContainerGit } from './container-host.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import type { Engine } from '../engine/engine.js';
import { FifoOutput } from '../output/fifo-output.js';
import type { OutputChannel } from '../output/output-channel.js';
import type { RunJobOptions } from '../record/progress.js';
import type { JobFolder } from '../state/job-folder.js';
import type { HostOptions, PreparedImage } from '../engine/prepare-image.js';
import { withoutHidden } from '../system/hidden-variables.js';
import { rawHost } from './raw-host.js';
import type { SshHost } from './ssh-host.js';
import { createCookie } from './task-cookie.js';
import type { HostMaker } from './task-host.js';

/** A task host, and how the files of a job get there and back. */
export interface JobHost {
  readonly make: HostMaker;
  /** the path of the control folder for the tasks */
  readonly control: string;
  readonly output: OutputChannel;
  /** present if the tasks do not run in the repo of this machine */
  readonly remote?: SshHost;
}

/** Returns the task host of a job. `image` is undefined for a job without a container. */
export async function chooseHost(
  image: Pick<PreparedImage, 'engine' | 'name' | 'args'> | undefined,
  folder: JobFolder,
  options: RunJobOptions,
  git?: ContainerGit,
): Promise<JobHost> {
  const { job, repo } = options;
  const { control } = folder;
  const cookie = createCookie();
  if (job.image.kind === 'ssh') return remoteHost(job.image.destination, cookie, folder, options);
  const output = fifoOutput(folder, options);
  if (image === undefined) {
    // The supervisor's own PATH has no folder of the repo; the script of each task sets the user's.
    const environment = withoutHidden(options.environment);
    const make = rawHost({ control, repo, environment, cookie, isIsolated: job.isolate === true });
    return { make, control, output };
  }
  const { engine, name, args } = image;
  const userFlags = planUserFlags(options, engine);
  const make = containerHost({
    ...{ engine, image: name, imageArgs: args, job, control, repo, cookie, userFlags },
    ...(git !== undefined && { git }),
  });
  return { make, control: containerControl, output };
}

const fifoOutput = (
  { control, sparePipes }: JobFolder,
  { environment, report }: RunJobOptions,
): OutputChannel =>
  new FifoOutput({
    folder: join(control, 'out'),
    spare: { folder: sparePipes, environment },
    report: (text) => {
      report({ kind: 'notice', text });
    },
  });

/** Loads the code for other machines only for a job that runs on one. */
async function remoteHost(
  destination: string,
  cookie: string,
  { control, remoteFiles: scratch }: JobFolder,
  { job, repo, out, state = out, environment, ownFolders, report, cancel }: RunJobOptions,
): Promise<JobHost> {
  const [{ SshHost }, { RemoteFolders }, { StreamOutput }] = await Promise.all([
    import('./ssh-host.js'),
    import('./remote-folders.js'),
    import('../output/stream-output.js'),
  ]);
  const output = new StreamOutput();
  const remote = new SshHost({
    ...{ destination, repo, environment, control, scratch, cookie, output, cancel },
    isExcluded: (path: string) => ownFolders.some((own) => `${path}/`.startsWith(`${own}/`)),
    isIsolated: job.isolate === true,
    hasResults: job.tasksFrom !== undefined || listWanted(job, job.tasks).length > 0,
    folders: new RemoteFolders(state, destination),
    report: (text) => {
      report({ kind: 'notice', text });
    },
  });
  return { make: remote.make, control: remote.control, output, remote };
}

/** Returns what comes back from another machine: the patterns of results, and the paths of artifacts. */
export const listWanted = (
  { artifacts }: Pick<JobDeclaration, 'artifacts'>,
  tasks: readonly TaskDeclaration[],
): readonly string[] => [...new Set([...artifacts, ...tasks.flatMap(({ results }) => results)])];

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
