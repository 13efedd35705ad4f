/** Ends the processes of tasks through the supervisor of their host. */
import { setTimeout as wait } from 'node:timers/promises';
import type { StartedTry } from './running-try.js';
import { startSupervisor, type GuardCommand, type Supervisor } from './supervisor.js';
import { isWithinGrace, type Grace, type HostCommand } from './task-host.js';

/** What remained: nothing, processes that survive KILL, or unknown, since the supervisor cannot find or signal them. */
export type Survivors =
  | { readonly kind: 'none' }
  | { readonly kind: 'some'; readonly pids: readonly number[] }
  | { readonly kind: 'unknown' };

const pollMs = 20;
/** How long the supervisor may take to answer, and how long KILL is repeated, since the processes may still fork. */
const killSeconds = 10;

/** Ends the processes: TERM, the grace period, then KILL until the supervisor finds none. */
export async function stopProcesses(
  supervisor: Supervisor,
  scope: GuardCommand['scope'],
  grace: Grace,
): Promise<Survivors> {
  const startedAt = performance.now();
  let killedAt: number | undefined;
  let word: GuardCommand['word'] = isWithinGrace(grace, startedAt) ? 'term' : 'kill';
  let pids: readonly number[] = [];
  while (killedAt === undefined || performance.now() < killedAt + killSeconds * 1000) {
    const answer = await supervisor.ask({ word, scope }, killSeconds);
    if (answer?.kind === 'gone') return { kind: 'none' };
    if (answer?.kind !== 'left') return { kind: 'unknown' };
    pids = answer.pids;
    await wait(pollMs);
    word = isWithinGrace(grace, startedAt) ? 'look' : 'kill';
    if (word === 'kill') killedAt ??= performance.now();
  }
  return { kind: 'some', pids };
}

/** Ends by KILL what remains of tries whose supervisor was lost, by another supervisor. */
export async function sweepTries(command: HostCommand, tries: readonly StartedTry[]): Promise<Survivors> {
  const sweeper = await startSupervisor(command);
  if ('kind' in sweeper) return { kind: 'unknown' };
  sweeper.adopt(tries);
  const left = await stopProcesses(sweeper, 'job', { seconds: 0 });
  await sweeper.quit(killSeconds);
  await sweeper.close(killSeconds);
  return left;
}

/** Formats a notice about survivors: the worker cannot end another user's processes, such as those of `sudo`. */
export function formatSurvivors(survivors: Survivors): string | undefined {
  switch (survivors.kind) {
    case 'none':
      return undefined;
    case 'some':
      return `cannot end processes ${survivors.pids.join(', ')}: they belong to another user, or survive KILL`;
    case 'unknown':
      return 'cannot find out whether processes of the tasks are left';
  }
}
