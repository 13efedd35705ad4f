/** Tasks in one container of an engine: started once, its processes ended from within, removed at the end. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { callEngine, type Engine } from './engine.js';
import type { JobDeclaration } from './job.js';
import { after, Supervisor, type SupervisorLost, type TryEnd } from './supervisor.js';
import type { TaskHost } from './task-host.js';

/** Where a container sees the control folder and the repo. */
export const containerControl = '/soil';
export const containerRepo = '/repo';

export interface ContainerOptions {
  readonly engine: Engine;
  readonly image: string;
  readonly job: JobDeclaration;
  /** host paths */
  readonly script: string;
  readonly control: string;
  readonly repo: string;
  /** what tasks see; names only are put on the engine's command line */
  readonly taskEnvironment: Readonly<Record<string, string>>;
}

/**
 * Both signals reach every process of the container's own PID namespace, but the supervisor (its process 1) and the
 * shell that sends them: kill(2), "-1 ... except for process 1". setsid() and double forks do not help against it.
 */
const signalAll = (signal: 'TERM' | 'KILL') => `kill -${signal} -1 2>/dev/null; :`;
/** Exit status 0 while something besides process 1 and this shell lives; zombies have an empty cmdline. */
const anyAlive =
  'for p in /proc/[0-9]*; do n=${p#/proc/}; [ "$n" = 1 ] || [ "$n" = "$$" ] && continue;' +
  ' line=; IFS= read -r line <"$p/cmdline" || [ -n "$line" ] && exit 0; done 2>/dev/null; exit 1';

export async function startContainer(options: ContainerOptions): Promise<TaskHost | SupervisorLost> {
  const { engine, job } = options;
  const name = `soil-${randomBytes(8).toString('hex')}`;
  const environment: Record<string, string> = {
    ...gitEnvironment,
    ...options.taskEnvironment,
  };
  const supervisor = new Supervisor({
    program: engine.program,
    args: [
      ...['run', '--rm', '--interactive', '--name', name, '--pull', 'never'],
      ...['--entrypoint', '/bin/sh', '--workdir', containerRepo],
      ...['--mount', mount(options.repo, containerRepo)],
      ...['--mount', mount(options.control, containerControl)],
      ...(job.network === undefined ? [] : ['--network', job.network]),
      ...(job.user === undefined ? [] : ['--user', job.user]),
      // The value comes from the client's environment: a command line is public to the whole machine.
      ...Object.keys(environment).flatMap((variable) => ['--env', variable]),
      ...job.engineFlags,
      options.image,
      ...[`${containerControl}/supervisor.sh`, containerControl, containerRepo],
    ],
    environment: { ...engine.environment, ...environment },
  });
  const remove = async () => {
    await callEngine(engine, ['rm', '--force', name]);
  };
  const pid = await supervisor.ready(120);
  if (typeof pid !== 'number') {
    await supervisor.close(1);
    await remove();
    return { kind: 'lost', reason: `cannot start a container of image "${options.image}": ${pid.reason}` };
  }

  const within = (script: string) =>
    callEngine(engine, ['exec', '--user', '0', name, '/bin/sh', '-c', script], { timeoutSeconds: 20 });

  /** Only where the supervisor is process 1 of a namespace of its own may `kill -1` be said at all. */
  const endProcesses = async (): Promise<boolean> => {
    if (pid !== 1) return false;
    const deadline = Date.now() + job.graceSeconds * 1000;
    if ((await within(signalAll('TERM'))).status !== 0) return false;
    let alive = (await within(anyAlive)).status;
    while (alive === 0 && Date.now() < deadline) {
      await setTimeout(100);
      alive = (await within(anyAlive)).status;
    }
    return (await within(signalAll('KILL'))).status === 0;
  };

  let running: Promise<TryEnd | SupervisorLost> = Promise.resolve({ kind: 'lost', reason: 'no task ran' });
  return {
    run: (number, attempt) => {
      running = supervisor.run(number, attempt);
      return running;
    },
    endTask: async () => {
      const ended = (await endProcesses())
        ? await Promise.race([running, after(10, 'late' as const)])
        : 'late';
      // A container that does not obey goes as a whole; a new one takes the tasks that are left.
      if (ended === 'late') await remove();
    },
    close: async () => {
      if (supervisor.isAlive) await supervisor.close(10);
      await remove();
    },
  };
}

/** git refuses a repo of another owner; protected configuration may come from the environment (git-config(1)). */
const gitEnvironment = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: containerRepo,
};

/** Both engines read the value as one line of CSV: a path with a comma or a quote must be quoted. */
function mount(source: string, target: string): string {
  const field = `source=${source}`;
  const quoted = /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  return `type=bind,${quoted},target=${target}`;
}
