/** Runs tasks in a container that is started once per job. The supervisor in the container ends their processes. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { quote } from '../../model/result.js';
import { removeContainer, type Engine } from '../engine/engine.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { gitConfigName, createWritable, memoryFile } from '../state/job-folder.js';
import { startSupervisor, type Supervisor } from './supervisor.js';
import type { Lost } from './task-try.js';
import { isWithinGrace, type Grace, type TaskHost, type HostPool } from './task-host.js';

/** Where the control folder and the repo are mounted in a container. */
export const containerControl = '/soil';
export const containerRepo = '/repo';

export interface ContainerOptions {
  readonly engine: Engine;
  /** the image's name in messages, and the arguments that name it for the engine */
  readonly image: string;
  readonly imageArgs: readonly string[];
  readonly job: Pick<JobDeclaration, 'network' | 'user' | 'engineFlags' | 'ptrace' | 'pidsLimit'>;
  /** host paths */
  readonly control: string;
  readonly repo: string;
  /** flags that map the container's users to those of this machine, see planUserFlags() */
  readonly userFlags: readonly string[];
}

const startSeconds = 120;
/** How long the engine may take to register a started container. */
const registerSeconds = 10;
const pollMs = 20;
/** How long KILL is repeated before the whole container is removed. */
const killSeconds = 10;

/** Creates a pool with one container at a time, whose process 1 runs the tasks. A new container replaces a lost one. */
export function sequentialContainer(options: ContainerOptions): HostPool {
  return { open: () => startContainer(options), close: () => Promise.resolve(undefined) };
}

async function startContainer(options: ContainerOptions): Promise<TaskHost | Lost> {
  const { engine } = options;
  const name = newName();
  const supervisor = await startContainerSupervisor(name, options);
  if ('kind' in supervisor) return supervisor;
  return {
    run: (request) => supervisor.run(request),
    stopTask: async (grace) => {
      if (await stopFromInside(supervisor, grace)) return { isHostGone: false };
      // Processes survived, so the whole container is removed. A new one runs the remaining tasks.
      const notice = await removeContainer(engine, name);
      await supervisor.close(killSeconds);
      return { isHostGone: true, ...(notice !== undefined && { notice }) };
    },
    close: async () => {
      await supervisor.close(killSeconds);
      return removeContainer(engine, name);
    },
  };
}

/**
 * Creates a pool of lanes in one container, for tasks in parallel. Process 1 runs nothing; each lane is a supervisor that
 * the engine's `exec` starts once. Stopping a task ends only that task's processes.
 */
export function parallelContainer(options: ContainerOptions, cookie: string): HostPool {
  const { engine, control } = options;
  const name = newName();
  let container: Promise<Supervisor | Lost> | undefined;
  let lanes = 0;
  return {
    open: async () => {
      container ??= startContainerSupervisor(name, options);
      const main = await container;
      if ('kind' in main) return main;
      if (lanes === 0) main.standBy();
      const lane = ++lanes;
      await createWritable(memoryFile(control, lane));
      const supervisor = await startLane(engine, [
        ...['exec', '--interactive', name, '/bin/sh', ...supervisorWords],
        ...[String(lane), cookie],
      ]);
      if ('kind' in supervisor) {
        return { kind: 'lost', reason: `cannot start lane ${lane} in the container: ${supervisor.reason}` };
      }
      return laneHost(supervisor);
    },
    close: async () => {
      const main = await container;
      if (main === undefined || 'kind' in main) return undefined;
      await main.close(killSeconds);
      return removeContainer(engine, name);
    },
  };
}

/** Retries for a while: the container's shell may be ready before podman has registered that the container runs. */
async function startLane(engine: Engine, args: readonly string[]): Promise<Supervisor | Lost> {
  const limit = performance.now() + registerSeconds * 1000;
  for (;;) {
    const supervisor = await startSupervisor({
      ...{ program: engine.program, args, environment: engine.environment, startSeconds },
    });
    const isEarly = 'kind' in supervisor && /not running|state improper/i.test(supervisor.reason);
    if (!isEarly || performance.now() > limit) return supervisor;
    await wait(pollMs);
  }
}

function laneHost(supervisor: Supervisor): TaskHost {
  return {
    run: (request) => supervisor.run(request),
    stopTask: async (grace) => {
      if (await stopFromInside(supervisor, grace)) return { isHostGone: false };
      // Other lanes use the container, so the survivors live until the job ends.
      return { isHostGone: true, notice: 'cannot end all processes of a task: some run until the job ends' };
    },
    close: async () => {
      await supervisor.close(killSeconds);
      return undefined;
    },
  };
}

const newName = (): string => `soil-${randomBytes(8).toString('hex')}`;

async function startContainerSupervisor(name: string, options: ContainerOptions): Promise<Supervisor | Lost> {
  const { engine, image } = options;
  const supervisor = await startSupervisor({
    program: engine.program,
    args: runArguments(name, options),
    environment: engine.environment,
    startSeconds,
  });
  if (!('kind' in supervisor)) return supervisor;
  const left = await removeContainer(engine, name);
  const reason = `cannot start a container of image ${quote(image, 200)}: ${supervisor.reason}`;
  return { kind: 'lost', reason: left === undefined ? reason : `${reason}; ${left}` };
}

const supervisorWords = [`${containerControl}/supervisor.sh`, containerControl, containerRepo];

function runArguments(name: string, options: ContainerOptions): readonly string[] {
  return [
    ...['run', '--rm', '--interactive', '--name', name, '--pull', 'never'],
    ...containerFlags(options),
    ...options.imageArgs,
    ...supervisorWords,
    '1',
  ];
}

/** Returns the engine's flags for a container of the job: mounts, environment, user, network and limits. */
export function containerFlags({
  job,
  control,
  repo,
  userFlags,
}: Omit<ContainerOptions, 'engine' | 'image' | 'imageArgs'>): string[] {
  return [
    ...['--entrypoint', '/bin/sh', '--workdir', containerRepo],
    ...['--mount', formatMount(repo, containerRepo), '--mount', formatMount(control, containerControl)],
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
export function formatMount(source: string, target: string): string {
  const field = `source=${source}`;
  const quoted = /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  return `type=bind,${quoted},target=${target}`;
}

/**
 * Makes the supervisor's guard end every process of the container's PID namespace, including daemons, so that the
 * container remains usable. Returns false if it cannot: the supervisor is not process 1 (`--init`, `--pid=host`), the
 * task killed the guard, or a process survives KILL, such as another user's.
 */
async function stopFromInside(supervisor: Supervisor, grace: Grace): Promise<boolean> {
  const startedAt = performance.now();
  let killedAt: number | undefined;
  let command: 'term' | 'look' | 'kill' = 'term';
  while (killedAt === undefined || performance.now() < killedAt + killSeconds * 1000) {
    const answer = await supervisor.ask(command, killSeconds);
    if (answer === 'gone') return true;
    if (answer !== 'left') return false;
    await wait(pollMs);
    command = isWithinGrace(grace, startedAt) ? 'look' : 'kill';
    if (command === 'kill') killedAt ??= performance.now();
  }
  return false;
}
