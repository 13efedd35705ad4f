/** Tasks in one container of an engine: started once for the job, ended from within, removed at the end. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { quote } from '../model/result.js';
import { reasonOf } from './command.js';
import { callEngine, type Engine } from './engine.js';
import type { JobDeclaration } from './job.js';
import { startSupervisor, type Lost, type Supervisor } from './supervisor.js';
import type { TaskHost } from './task-host.js';

/** Where a container sees the control folder and the repo. */
export const containerControl = '/soil';
export const containerRepo = '/repo';

export interface ContainerOptions {
  readonly engine: Engine;
  /** the image for people, and the words that name it for the engine */
  readonly image: string;
  readonly words: readonly string[];
  readonly job: Pick<JobDeclaration, 'network' | 'user' | 'engineFlags' | 'graceSeconds'>;
  /** host paths */
  readonly control: string;
  readonly repo: string;
}

const startSeconds = 120;
const pollMs = 20;
/** How long KILL is repeated before the container as a whole has to go. */
const killSeconds = 10;

export async function startContainer(options: ContainerOptions): Promise<TaskHost | Lost> {
  const { engine, image, job } = options;
  const name = `soil-${randomBytes(8).toString('hex')}`;
  const supervisor = await startSupervisor({
    program: engine.program,
    args: runArguments(name, options),
    environment: engine.environment,
    startSeconds,
  });
  if ('kind' in supervisor) {
    const left = await removeContainer(engine, name);
    const reason = `cannot start a container of image ${quote(image, 200)}: ${supervisor.reason}`;
    return { kind: 'lost', reason: left === undefined ? reason : `${reason}; ${left}` };
  }
  return {
    run: (number, attempt) => supervisor.run(number, attempt),
    endTask: async () => {
      if (await endFromWithin(supervisor, job.graceSeconds)) return { isHostGone: false };
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

function runArguments(name: string, options: ContainerOptions): readonly string[] {
  return [
    ...['run', '--rm', '--interactive', '--name', name, '--pull', 'never'],
    ...containerFlags(options),
    ...options.words,
    ...[`${containerControl}/supervisor.sh`, containerControl, containerRepo],
  ];
}

/** What makes the container the job's own: `/bin/sh` with the repo, its environment, user and network. */
export function containerFlags({
  job,
  control,
  repo,
}: Omit<ContainerOptions, 'engine' | 'image' | 'words'>): string[] {
  return [
    ...['--entrypoint', '/bin/sh', '--workdir', containerRepo],
    ...['--mount', mount(repo, containerRepo), '--mount', mount(control, containerControl)],
    ...Object.entries(gitEnvironment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(job.network === undefined ? [] : ['--network', job.network]),
    ...(job.user === undefined ? [] : ['--user', job.user]),
    ...job.engineFlags,
  ];
}

/** git refuses a repo of another owner; protected configuration may come from the environment (git-config(1)). */
const gitEnvironment = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: containerRepo,
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
async function endFromWithin(supervisor: Supervisor, graceSeconds: number): Promise<boolean> {
  const graceEnds = performance.now() + graceSeconds * 1000;
  const killEnds = graceEnds + killSeconds * 1000;
  let word: 'term' | 'look' | 'kill' = 'term';
  while (performance.now() < killEnds) {
    const answer = await supervisor.tell(word, killSeconds);
    if (answer === 'gone') return true;
    if (answer !== 'left') return false;
    await wait(pollMs);
    word = performance.now() < graceEnds ? 'look' : 'kill';
  }
  return false;
}

/** What both engines say of a container that is gone, or about to be. */
const gone = /no such container|no container with (name|id)|already in progress/i;
/** An engine that is restarted answers again within this time, once a second. */
const removeTries = 10;

/**
 * One that is gone already is no fault. `kill` comes first, since podman's `rm --force` would wait for 10 s. A text
 * where the container could not be removed: its engine does not answer.
 */
export async function removeContainer(engine: Engine, name: string): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const killed = await callEngine(engine, ['kill', '--signal', 'KILL', name]);
    if (killed.status !== 0 && gone.test(killed.stderr)) return undefined;
    const removed = await callEngine(engine, ['rm', '--force', '--volumes', name]);
    if (removed.status === 0 || gone.test(removed.stderr)) return undefined;
    if (attempt === removeTries) {
      return `cannot remove container ${quote(name)}: ${reasonOf(removed)}; mend: ${engine.program} rm --force ${name}`;
    }
    await wait(1000);
  }
}
