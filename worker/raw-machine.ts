/** Tasks on the raw machine: the supervisor's shell, and an end of its process tree that leaves nothing behind. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { findTree, signalTree, type Traces } from './process-tree.js';
import { Supervisor, type SupervisorLost } from './supervisor.js';
import type { TaskHost } from './task-host.js';

export interface RawMachineOptions {
  readonly script: string;
  readonly control: string;
  readonly repo: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly graceSeconds: number;
}

const cookieVariable = 'SOIL_TASK_COOKIE';
/** KILL is repeated this often, 50 ms apart: a tree that still grows after that is beyond a process's means. */
const killRounds = 100;

export async function startRawMachine(options: RawMachineOptions): Promise<TaskHost | SupervisorLost> {
  const cookie = randomBytes(16).toString('hex');
  // A worker within a task of another worker: both must find their own.
  const outer = options.environment[cookieVariable];
  const supervisor = new Supervisor({
    program: '/bin/sh',
    args: [options.script, options.control, options.repo],
    environment: {
      ...options.environment,
      [cookieVariable]: outer === undefined ? cookie : `${outer}:${cookie}`,
    },
  });
  const pid = await supervisor.ready(30);
  if (typeof pid !== 'number') return pid;
  const traces: Traces = { supervisor: pid, cookie, logFolder: `${options.control}/log` };

  const endTree = async (graceSeconds: number): Promise<void> => {
    const deadline = Date.now() + graceSeconds * 1000;
    let left = await signalTree(traces, 'SIGTERM');
    while (left > 0 && Date.now() < deadline) {
      await setTimeout(50);
      left = (await findTree(traces)).length;
    }
    for (let round = 0; left > 0 && round < killRounds; round++) {
      left = await signalTree(traces, 'SIGKILL');
      if (left > 0) await setTimeout(50);
    }
  };
  return {
    run: (number, attempt) => supervisor.run(number, attempt),
    endTask: () => endTree(options.graceSeconds),
    close: async () => {
      await endTree(options.graceSeconds);
      await supervisor.close(10);
    },
  };
}
