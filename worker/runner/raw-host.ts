/** Tasks on the raw machine: the supervisor's shell, and an end of its process tree that leaves nothing behind. */
import { join } from 'node:path';
import { createWritable, memoryFile } from '../record/job-folder.js';
import { endTree, type Traces } from './process-tree.js';
import { startSupervisor, type Lost, type Supervisor } from './supervisor.js';
import type { TaskHost, TaskHostLayout } from './task-host.js';
import { cookieVariable, taskCookie } from './task-script.js';

export interface RawMachineOptions {
  readonly control: string;
  readonly repo: string;
  /** of the tasks */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly graceSeconds: number;
  /** a random word in the environment of every task */
  readonly cookie: string;
}

/** Tasks one after another: whatever the job has started may be ended with a late task. */
export function rawLayout(options: RawMachineOptions): TaskHostLayout {
  return { openHost: () => startRawMachine(options), close: () => Promise.resolve(undefined) };
}

async function startRawMachine(options: RawMachineOptions): Promise<TaskHost | Lost> {
  const supervisor = await startShell(1, options);
  if ('kind' in supervisor) return supervisor;
  const traces = { ...jobTraces(options), supervisor: supervisor.pid };
  return {
    run: (order) => supervisor.run(order),
    endTask: async (grace) => ({ isHostGone: false, ...noticeOf(await endTree(traces, grace)) }),
    close: async () => {
      const survivors = await endTree(traces, { seconds: options.graceSeconds });
      await supervisor.close(5);
      return noticeOf(survivors).notice;
    },
  };
}

/** Tasks at once, each lane a shell of its own, which ends the tree of its own task only. */
export function rawLanes(options: RawMachineOptions): TaskHostLayout {
  const { control, cookie, graceSeconds } = options;
  let lanes = 0;
  return {
    openHost: async () => {
      const supervisor = await startShell(++lanes, options);
      if ('kind' in supervisor) return supervisor;
      let traces: Traces | undefined;
      return {
        run: (order) => {
          traces = {
            supervisor: supervisor.pid,
            cookie: taskCookie(cookie, order.number),
            logs: join(control, 'log', `${order.number}.`),
            isLane: true,
          };
          return supervisor.run(order);
        },
        endTask: async (grace) => ({
          isHostGone: false,
          ...(traces === undefined ? {} : noticeOf(await endTree(traces, grace))),
        }),
        close: async () => {
          await supervisor.close(5);
          return undefined;
        },
      };
    },
    close: async () => noticeOf(await endTree(jobTraces(options), { seconds: graceSeconds })).notice,
  };
}

const jobTraces = ({ cookie, control }: RawMachineOptions) => ({ cookie, logs: join(control, 'log/') });

async function startShell(
  lane: number,
  { control, repo, environment, cookie }: RawMachineOptions,
): Promise<Supervisor | Lost> {
  await createWritable(memoryFile(control, lane));
  // A worker within a task of another worker: both must find their own.
  const outer = environment[cookieVariable];
  const supervisor = await startSupervisor({
    program: '/bin/sh',
    args: [join(control, 'supervisor.sh'), control, repo, String(lane)],
    environment: { ...environment, [cookieVariable]: outer === undefined ? cookie : `${outer}:${cookie}` },
    startSeconds: 30,
  });
  return 'kind' in supervisor
    ? { kind: 'lost', reason: `cannot start the tasks' shell on the raw machine: ${supervisor.reason}` }
    : supervisor;
}

/** Another user's processes, those of `sudo` for one, are not ours to end: whoever has the right to must know. */
function noticeOf(survivors: readonly { readonly pid: number }[]): { notice?: string } {
  if (survivors.length === 0) return {};
  const pids = survivors.map((p) => p.pid).join(', ');
  return { notice: `cannot end processes ${pids}: they are another user's, or do not die` };
}
