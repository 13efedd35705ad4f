/** Opens the task hosts of a job from the commands of a host: one for all tasks, or one per lane. */
import { setTimeout as wait } from 'node:timers/promises';
import { startSupervisor, type Supervisor } from './supervisor.js';
import { formatSurvivors, stopProcesses, sweepTries } from './stop-processes.js';
import type { HostEnd, HostInstance, HostMaker, HostPool, TaskHost } from './task-host.js';
import type { Lost } from './task-try.js';

export interface HostPoolOptions {
  /** tasks run at the same time: stopping one ends only its own processes */
  readonly isParallel: boolean;
  /** between TERM and KILL, for what the tasks left when the job ends */
  readonly graceSeconds: number;
}

/** How long a supervisor may take to exit. */
const closeSeconds = 10;
/** How long a host may take to register a command that runs. */
const registerSeconds = 10;
const pollMs = 20;

/** Creates a pool. Starts nothing yet. A new host replaces a lost one. */
export function createHostPool(make: HostMaker, options: HostPoolOptions): HostPool {
  let count = 0;
  const first = make(++count);
  if (options.isParallel && first.lane !== undefined) return lanesOf(first);
  return {
    open: async () => {
      const instance = count === 1 ? first : make(count);
      count++;
      const supervisor = await start(instance);
      return 'kind' in supervisor ? supervisor : openHost(supervisor, instance, options);
    },
    close: () => Promise.resolve({}),
  };
}

/** Starts the main command. Returns why it does not start, as a sentence. */
async function start(instance: HostInstance, main = instance.main): Promise<Supervisor | Lost> {
  const supervisor = await startSupervisor(main);
  if (!('kind' in supervisor)) {
    instance.attach?.(supervisor);
    return supervisor;
  }
  const left = await instance.remove(false);
  const other = instance.retry?.(supervisor.reason);
  if (other !== undefined) return start(instance, other);
  const reason = `cannot start ${instance.name}: ${supervisor.reason}`;
  return { kind: 'lost', reason: left === undefined ? reason : `${reason}; ${left}` };
}

/** A host that runs the tasks under its main command. */
function openHost(supervisor: Supervisor, instance: HostInstance, options: HostPoolOptions): TaskHost {
  const { sweeper } = instance;
  let isClosed = false;
  const close = async (): Promise<HostEnd> => {
    if (isClosed) return {};
    isClosed = true;
    const left =
      sweeper === undefined && instance.hasGrace !== true
        ? undefined
        : await stopProcesses(supervisor, 'job', { seconds: options.graceSeconds });
    if (left?.kind !== 'unknown') await instance.finish?.();
    const lost = await supervisor.quit(closeSeconds);
    const isClean = await supervisor.close(closeSeconds);
    const swept =
      lost === undefined || sweeper === undefined ? left : await sweepTries(sweeper, supervisor.tries());
    const notice = joinNotices(
      swept && formatSurvivors(swept),
      await instance.remove(isClean && lost === undefined),
    );
    return { ...(notice !== undefined && { notice }), ...(lost !== undefined && { fault: lost.reason }) };
  };
  return {
    run: async (request) => {
      const end = await supervisor.run(request, await instance.before?.(request));
      const { lossText: event } = instance;
      return end.kind === 'lost' && event !== undefined ? { ...end, event } : end;
    },
    stopTask: async (grace) => {
      const left = await stopProcesses(supervisor, options.isParallel ? 'task' : 'job', grace);
      if (left.kind === 'none') return { isHostGone: false };
      if (left.kind === 'some' && (sweeper !== undefined || instance.hasGrace === true)) {
        // They belong to another user, and the next task can run beside them.
        const notice = formatSurvivors(left);
        return { isHostGone: false, ...(notice !== undefined && { notice }) };
      }
      // Another host runs the remaining tasks.
      const { notice } = await close();
      return { isHostGone: true, ...(notice !== undefined && { notice }) };
    },
    close,
  };
}

/** Lanes in one host. Its main command runs no task; each lane is a supervisor beside it. */
function lanesOf(instance: HostInstance): HostPool {
  let main: Promise<Supervisor | Lost> | undefined;
  let lanes = 0;
  return {
    open: async () => {
      main ??= start(instance);
      const supervisor = await main;
      if ('kind' in supervisor) return supervisor;
      if (lanes === 0) supervisor.standBy();
      const lane = ++lanes;
      const started = await startLane(instance, lane);
      if ('kind' in started) {
        return { kind: 'lost', reason: `cannot start lane ${lane} in ${instance.name}: ${started.reason}` };
      }
      return openLane(started);
    },
    close: async () => {
      const supervisor = await main;
      if (supervisor === undefined || 'kind' in supervisor) return {};
      const lost = await supervisor.quit(closeSeconds);
      const isClean = await supervisor.close(closeSeconds);
      const notice = await instance.remove(isClean && lost === undefined);
      return { ...(notice !== undefined && { notice }), ...(lost !== undefined && { fault: lost.reason }) };
    },
  };

  function openLane(supervisor: Supervisor): TaskHost {
    return {
      run: async (request) => supervisor.run(request, await instance.before?.(request)),
      stopTask: async (grace) => {
        if ((await stopProcesses(supervisor, 'task', grace)).kind === 'none') return { isHostGone: false };
        // Other lanes use the host, so the survivors live until the job ends.
        return {
          isHostGone: true,
          notice: 'cannot end all processes of a task: some run until the job ends',
        };
      },
      close: async () => {
        const lost = await supervisor.quit(closeSeconds);
        await supervisor.close(closeSeconds);
        return lost === undefined ? {} : { fault: lost.reason };
      },
    };
  }
}

/** Retries for a while, if the host needs time until its main command accepts others. */
async function startLane(instance: HostInstance, lane: number): Promise<Supervisor | Lost> {
  const limit = performance.now() + registerSeconds * 1000;
  const command = instance.lane?.(lane) ?? instance.main;
  for (;;) {
    const supervisor = await startSupervisor(command);
    const isEarly = 'kind' in supervisor && instance.isTooEarly?.(supervisor.reason) === true;
    if (!isEarly || performance.now() > limit) return supervisor;
    await wait(pollMs);
  }
}

function joinNotices(...notices: readonly (string | undefined)[]): string | undefined {
  const texts = notices.filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join('; ');
}
