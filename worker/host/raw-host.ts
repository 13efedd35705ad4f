/** Runs tasks on the raw machine, in the supervisor's shell, and ends their processes. */
import { join } from 'node:path';
import { createWritable, memoryFile } from '../state/job-folder.js';
import { killTree, type ProcessMarks } from './process-tree.js';
import { startSupervisor, type Supervisor } from './supervisor.js';
import type { Lost } from './task-try.js';
import type { TaskHost, HostPool } from './task-host.js';
import { cookieVariable, taskCookie } from './task-cookie.js';

export interface RawHostOptions {
  readonly control: string;
  readonly repo: string;
  /** the environment of the tasks */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly graceSeconds: number;
  /** a random word in the environment of every task */
  readonly cookie: string;
}

/** Creates a pool with one shell for all tasks. Stopping a task ends every process that the job started. */
export function sequentialShell(options: RawHostOptions): HostPool {
  return { open: () => startSequential(options), close: () => Promise.resolve(undefined) };
}

async function startSequential(options: RawHostOptions): Promise<TaskHost | Lost> {
  const supervisor = await startShell(1, options);
  if ('kind' in supervisor) return supervisor;
  const marks = { ...jobMarks(options), supervisor: supervisor.pid };
  return {
    run: (request) => supervisor.run(request),
    stopTask: async (grace) => ({ isHostGone: false, ...formatNotice(await killTree(marks, grace)) }),
    close: async () => {
      const survivors = await killTree(marks, { seconds: options.graceSeconds });
      await supervisor.close(5);
      return formatNotice(survivors).notice;
    },
  };
}

/** Creates a pool with one shell per lane, for tasks in parallel. Stopping a task ends only that task's processes. */
export function parallelShells(options: RawHostOptions): HostPool {
  const { control, cookie, graceSeconds } = options;
  let lanes = 0;
  return {
    open: async () => {
      const supervisor = await startShell(++lanes, options);
      if ('kind' in supervisor) return supervisor;
      let marks: ProcessMarks | undefined;
      return {
        run: (request) => {
          marks = {
            supervisor: supervisor.pid,
            cookie: taskCookie(cookie, request.number),
            logs: join(control, 'out', `${request.number}.`),
            isLane: true,
          };
          return supervisor.run(request);
        },
        stopTask: async (grace) => ({
          isHostGone: false,
          ...(marks === undefined ? {} : formatNotice(await killTree(marks, grace))),
        }),
        close: async () => {
          await supervisor.close(5);
          return undefined;
        },
      };
    },
    close: async () => formatNotice(await killTree(jobMarks(options), { seconds: graceSeconds })).notice,
  };
}

const jobMarks = ({ cookie, control }: RawHostOptions) => ({ cookie, logs: join(control, 'out/') });

async function startShell(
  lane: number,
  { control, repo, environment, cookie }: RawHostOptions,
): Promise<Supervisor | Lost> {
  await createWritable(memoryFile(control, lane));
  // A worker may run in a task of another worker: each must find its own processes.
  const outer = environment[cookieVariable];
  const supervisor = await startSupervisor({
    program: '/bin/sh',
    args: [join(control, 'supervisor.sh'), control, repo, String(lane)],
    environment: { ...environment, [cookieVariable]: outer === undefined ? cookie : `${outer}:${cookie}` },
    startSeconds: 30,
  });
  return 'kind' in supervisor
    ? { kind: 'lost', reason: `cannot start the shell for the tasks: ${supervisor.reason}` }
    : supervisor;
}

/** Lists processes that survived: the worker cannot end another user's processes, such as those of `sudo`. */
function formatNotice(survivors: readonly { readonly pid: number }[]): { notice?: string } {
  if (survivors.length === 0) return {};
  const pids = survivors.map((p) => p.pid).join(', ');
  return { notice: `cannot end processes ${pids}: they belong to another user, or survive KILL` };
}
