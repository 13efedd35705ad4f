/** Tasks in one container of an engine: started once for the job, ended from within, removed at the end. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { quote } from '../../model/result.js';
import { removeContainer } from '../engine/remove-container.js';
import type { Engine } from '../engine/engine.js';
import type { JobDeclaration } from '../config/job-declaration.js';
import { gitConfigName, createWritable, memoryFile } from '../record/job-folder.js';
import { startSupervisor, type Lost, type Supervisor } from './supervisor.js';
import { lasts, type Grace, type TaskHost, type TaskHostLayout } from './task-host.js';

/** Where a container sees the control folder and the repo. */
export const containerControl = '/soil';
export const containerRepo = '/repo';

export interface ContainerOptions {
  readonly engine: Engine;
  /** the image for people, and the words that name it for the engine */
  readonly image: string;
  readonly words: readonly string[];
  readonly job: Pick<JobDeclaration, 'network' | 'user' | 'engineFlags' | 'ptrace' | 'pidsLimit'>;
  /** host paths */
  readonly control: string;
  readonly repo: string;
  /** how the container's users are mapped to those of this machine; empty: as the engine does */
  readonly userFlags: readonly string[];
}

const startSeconds = 120;
/** How long the engine may take to note that a container has started. */
const notedSeconds = 10;
const pollMs = 20;
/** How long KILL is repeated before the container as a whole has to go. */
const killSeconds = 10;

/** Tasks one after another: the container's process 1 runs them. A host that was given up is followed by a new container. */
export function containerLayout(options: ContainerOptions): TaskHostLayout {
  return { openHost: () => startContainer(options), close: () => Promise.resolve(undefined) };
}

async function startContainer(options: ContainerOptions): Promise<TaskHost | Lost> {
  const { engine } = options;
  const name = newName();
  const supervisor = await startFirst(name, options);
  if ('kind' in supervisor) return supervisor;
  return {
    run: (order) => supervisor.run(order),
    endTask: async (grace) => {
      if (await endFromWithin(supervisor, grace)) return { isHostGone: false };
      // A container that does not obey goes as a whole; a new one takes the tasks that are left.
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
 * Tasks at once, in one container: process 1 rests, and each lane is a supervisor of its own that the engine's `exec`
 * has started once. A lane ends the tree of its own task only.
 */
export function containerLanes(options: ContainerOptions, cookie: string): TaskHostLayout {
  const { engine, control } = options;
  const name = newName();
  let first: Promise<Supervisor | Lost> | undefined;
  let lanes = 0;
  return {
    openHost: async () => {
      first ??= startFirst(name, options);
      const container = await first;
      if ('kind' in container) return container;
      if (lanes === 0) container.rest();
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
      const container = await first;
      if (container === undefined || 'kind' in container) return undefined;
      await container.close(killSeconds);
      return removeContainer(engine, name);
    },
  };
}

/** A container's shell may be up, and have said so, before podman has noted that the container runs. */
async function startLane(engine: Engine, args: readonly string[]): Promise<Supervisor | Lost> {
  const limit = performance.now() + notedSeconds * 1000;
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
    run: (order) => supervisor.run(order),
    endTask: async (grace) => {
      if (await endFromWithin(supervisor, grace)) return { isHostGone: false };
      // The container is the other lanes' too: what is left lives until the job's end.
      return { isHostGone: true, notice: 'cannot end all processes of a task before the job ends' };
    },
    close: async () => {
      await supervisor.close(killSeconds);
      return undefined;
    },
  };
}

const newName = (): string => `soil-${randomBytes(8).toString('hex')}`;

async function startFirst(name: string, options: ContainerOptions): Promise<Supervisor | Lost> {
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
    ...options.words,
    ...supervisorWords,
    '1',
  ];
}

/** What makes the container the job's own: `/bin/sh` with the repo, its environment, user and network. */
export function containerFlags({
  job,
  control,
  repo,
  userFlags,
}: Omit<ContainerOptions, 'engine' | 'image' | 'words'>): string[] {
  return [
    ...['--entrypoint', '/bin/sh', '--workdir', containerRepo],
    ...['--mount', mount(repo, containerRepo), '--mount', mount(control, containerControl)],
    ...Object.entries(gitEnvironment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(job.network === undefined ? [] : ['--network', job.network]),
    ...(job.user === undefined ? [] : ['--user', job.user]),
    ...userFlags,
    ...(job.pidsLimit === undefined ? [] : ['--pids-limit', String(job.pidsLimit)]),
    // Debuggers turn address randomization off, which both engines' filters of system calls refuse.
    ...(job.ptrace === true ? ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'] : []),
    ...job.engineFlags,
  ];
}

/**
 * git refuses a repo of another owner, and so does each of its submodules. Since 2.38 it takes the environment's word for
 * one (git-config(1), protected configuration); before, as in Ubuntu 22.04, only that of the system's file, which
 * includes the image's own.
 */
const gitEnvironment = {
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: containerRepo,
  GIT_CONFIG_KEY_1: 'safe.directory',
  GIT_CONFIG_VALUE_1: '*',
  GIT_CONFIG_SYSTEM: `${containerControl}/${gitConfigName}`,
};

/** Both engines read `--mount` as one line of CSV: any path can be written so, which `--volume` cannot. */
export function mount(source: string, target: string): string {
  const field = `source=${source}`;
  const quoted = /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  return `type=bind,${quoted},target=${target}`;
}

/**
 * Has the guard end every process of the container's PID namespace: neither setsid() nor an ignored TERM helps against
 * that, and the container stays as it was for the next task. False where it cannot: the supervisor is not process 1
 * (`--init`, `--pid=host`), the task has killed the guard, or something outlives KILL, such as another user's process.
 */
async function endFromWithin(supervisor: Supervisor, grace: Grace): Promise<boolean> {
  const begin = performance.now();
  let killBegan: number | undefined;
  let word: 'term' | 'look' | 'kill' = 'term';
  while (killBegan === undefined || performance.now() < killBegan + killSeconds * 1000) {
    const answer = await supervisor.tell(word, killSeconds);
    if (answer === 'gone') return true;
    if (answer !== 'left') return false;
    await wait(pollMs);
    word = lasts(grace, begin) ? 'look' : 'kill';
    if (word === 'kill') killBegan ??= performance.now();
  }
  return false;
}
