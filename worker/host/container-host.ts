/** Runs tasks in a container that is started once per job. */
import { randomBytes } from 'node:crypto';
import { quote } from '../../model/result.js';
import { removeContainer, type Engine } from '../engine/engine.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { gitConfigName } from '../state/job-folder.js';
import type { HostCommand, HostMaker } from './task-host.js';

/** Where the control folder and the repo are mounted in a container. */
export const containerControl = '/soil';
export const containerRepo = '/repo';

export interface ContainerOptions {
  readonly engine: Engine;
  /** the image's name in messages, and the arguments that name it for the engine */
  readonly image: string;
  readonly imageArgs: readonly string[];
  readonly job: Pick<JobDeclaration, 'network' | 'user' | 'engineFlags' | 'ptrace' | 'pidsLimit' | 'isolate'>;
  /** host paths */
  readonly control: string;
  readonly repo: string;
  /** a random word that distinguishes the processes of tasks in parallel */
  readonly cookie: string;
  /** flags that map the container's users to those of this machine, see planUserFlags() */
  readonly userFlags: readonly string[];
  /** the git repository of the working tree, see git-layer.ts; absent: there is none */
  readonly git?: ContainerGit;
}

/** How a container gets the git repository. */
export interface ContainerGit {
  flags(): readonly string[];
  /** Returns whether a container that did not start for this reason is to be started with other flags. */
  giveUp(reason: string): boolean;
}

const startSeconds = 120;

/** Returns a container as a task host. The supervisor is its process 1; further lanes are started by the engine's `exec`. */
export function containerHost(options: ContainerOptions): HostMaker {
  const { engine, image, job, cookie, git } = options;
  return (number) => {
    const name = `soil-${randomBytes(8).toString('hex')}`;
    const command = (args: readonly string[]): HostCommand => ({
      ...{ program: engine.program, args, environment: engine.environment, startSeconds },
    });
    const script = (lane: string): string[] => [
      ...[`${containerControl}/container.sh`, containerControl, containerRepo, `${cookie}-${number}-${lane}`],
      ...(job.isolate === true ? ['isolate'] : []),
    ];
    const main = (): HostCommand =>
      command([
        ...['run', '--rm', '--interactive', '--name', name, '--pull', 'never'],
        ...containerFlags(options),
        ...options.imageArgs,
        ...script('0'),
      ]);
    return {
      name: `a container of image ${quote(image, 200)}`,
      main: main(),
      ...(git !== undefined && { retry: (reason) => (git.giveUp(reason) ? main() : undefined) }),
      lane: (lane) => command(['exec', '--interactive', name, '/bin/sh', ...script(String(lane))]),
      // The container's shell may be ready before podman has registered that the container runs.
      isTooEarly: (reason) => /not running|state improper/i.test(reason),
      // `run --rm` ends after the container is removed, and prints why if it cannot remove it.
      remove: (isClean) => (isClean ? Promise.resolve(undefined) : removeContainer(engine, name)),
    };
  };
}

/** Returns the engine's flags for a container of the job: mounts, environment, user, network and limits. */
export function containerFlags({
  job,
  control,
  repo,
  userFlags,
  git,
}: Omit<ContainerOptions, 'engine' | 'image' | 'imageArgs' | 'cookie'>): string[] {
  return [
    ...['--entrypoint', '/bin/sh', '--workdir', containerRepo],
    ...['--mount', formatMount(repo, containerRepo)],
    ...['--mount', formatMount(control, containerControl, { isReadOnly: true })],
    ...(git?.flags() ?? []),
    ...Object.entries(gitEnvironment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(job.network === undefined ? [] : ['--network', job.network]),
    ...(job.user === undefined ? [] : ['--user', job.user]),
    ...userFlags,
    ...(job.pidsLimit === undefined ? [] : ['--pids-limit', String(job.pidsLimit)]),
    // Debuggers disable address randomization, which the default seccomp profiles of both engines forbid.
    ...(job.ptrace === true ? ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'] : []),
    ...job.engineFlags,
  ];
}

/**
 * Makes git accept a repo and submodules of another owner. Since git 2.38, the environment may set `safe.directory`
 * (git-config(1), protected configuration). Earlier versions, as in Ubuntu 22.04, read it only from the system's file,
 * so GIT_CONFIG_SYSTEM names a file that includes the image's own.
 */
const gitEnvironment = {
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: containerRepo,
  GIT_CONFIG_KEY_1: 'safe.directory',
  GIT_CONFIG_VALUE_1: '*',
  GIT_CONFIG_SYSTEM: `${containerControl}/${gitConfigName}`,
};

/** Formats a value of `--mount`. Both engines parse it as a line of CSV, so unlike `--volume` it can hold any path. */
export function formatMount(
  source: string,
  target: string,
  { isReadOnly = false }: { readonly isReadOnly?: boolean } = {},
): string {
  const field = `source=${source}`;
  const quoted = /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  const to = /[",\r\n]/.test(target) ? `"target=${target.replaceAll('"', '""')}"` : `target=${target}`;
  return `type=bind,${quoted},${to}${isReadOnly ? ',readonly' : ''}`;
}
