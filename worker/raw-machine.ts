/** Tasks on the raw machine: the supervisor's shell, and an end of its process tree that leaves nothing behind. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { endTree, type Traces } from './process-tree.js';
import { startSupervisor, type Lost } from './supervisor.js';
import type { TaskHost } from './task-host.js';

export interface RawMachineOptions {
  readonly control: string;
  readonly repo: string;
  /** of the tasks */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly graceSeconds: number;
}

const cookieVariable = 'SOIL_TASK_COOKIE';

export async function startRawMachine(options: RawMachineOptions): Promise<TaskHost | Lost> {
  const { control, repo, environment, graceSeconds } = options;
  const cookie = randomBytes(16).toString('hex');
  // A worker within a task of another worker: both must find their own.
  const outer = environment[cookieVariable];
  const supervisor = await startSupervisor({
    program: '/bin/sh',
    args: [join(control, 'supervisor.sh'), control, repo],
    environment: { ...environment, [cookieVariable]: outer === undefined ? cookie : `${outer}:${cookie}` },
    startSeconds: 30,
  });
  if ('kind' in supervisor) {
    return { kind: 'lost', reason: `cannot start the tasks' shell on the raw machine: ${supervisor.reason}` };
  }
  const traces: Traces = { supervisor: supervisor.pid, cookie, logFolder: join(control, 'log') };
  return {
    run: (number, attempt) => supervisor.run(number, attempt),
    endTask: async () => {
      const survivors = await endTree(traces, graceSeconds);
      const notice = survivors.length === 0 ? {} : { notice: survivorsText(survivors) };
      return { isHostGone: false, ...notice };
    },
    close: async () => {
      const survivors = await endTree(traces, graceSeconds);
      await supervisor.close(5);
      return survivors.length === 0 ? undefined : survivorsText(survivors);
    },
  };
}

/** Another user's processes, those of `sudo` for one, are not ours to end: whoever has the right to must know. */
function survivorsText(survivors: readonly { readonly pid: number }[]): string {
  return `cannot end processes ${survivors.map((p) => p.pid).join(', ')}: they are another user's, or do not die`;
}
