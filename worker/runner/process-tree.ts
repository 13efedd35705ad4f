/** The processes of a job on the raw machine: found by four traces, ended by TERM and KILL until none is left. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { lasts, type Grace } from './task-host.js';

/** How a process of the job is known, whatever it did to hide: see isOurs(). */
export interface Traces {
  /** the supervisor's id: its descendants are the job's, it itself is spared; absent: it is gone */
  readonly supervisor?: number;
  /** a random word in the environment of every task */
  readonly cookie: string;
  /** what the paths of the logs begin with: whoever has one open for writing belongs to the job, or to the task */
  readonly logs: string;
  /**
   * other tasks run beside this one: groups and sessions that the supervisor leads tell nothing, since all that earlier
   * tasks of its lane left running are in them
   */
  readonly isLane?: boolean;
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** clock ticks since boot: with the pid, it names a process for ever */
  readonly startTicks: string;
}

/** Between two looks at /proc. */
const pollMs = 20;
/** How long KILL is repeated, for a tree that still forks. */
const killSeconds = 10;

/** Ends the job's processes but the supervisor: TERM, the grace period, then KILL until a scan finds none; the rest. */
export async function endTree(traces: Traces, grace: Grace): Promise<readonly Process[]> {
  const begin = performance.now();
  let left = await findTree(traces);
  await signalAll(left, 'SIGTERM');
  while (left.length > 0 && lasts(grace, begin)) {
    await wait(pollMs);
    left = await findTree(traces);
  }
  const killEnds = performance.now() + killSeconds * 1000;
  while (left.length > 0 && performance.now() < killEnds) {
    await signalAll(left, 'SIGKILL');
    await wait(pollMs);
    left = await findTree(traces);
  }
  return left;
}

async function signalAll(processes: readonly Process[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const victim of processes) {
    // Its id may have been given to somebody else since the scan.
    const now = await readProcess(victim.pid);
    if (now?.startTicks !== victim.startTicks) continue;
    try {
      process.kill(victim.pid, signal);
    } catch (error) {
      // Gone already, or not ours to signal: another user's child of a setuid program.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
        throw error;
    }
  }
}

/** Every living process of the job but the supervisor and this process. */
export async function findTree(traces: Traces): Promise<readonly Process[]> {
  const names = await readdir('/proc');
  const all = (
    await Promise.all(names.filter((n) => /^\d+$/.test(n)).map((n) => readProcess(Number(n))))
  ).filter((p): p is Process => p !== undefined);
  const seeds = traces.supervisor === undefined ? [] : [traces.supervisor];
  const marked = await Promise.all(all.map((p) => isMarked(p, traces)));
  const ours = new Set([...seeds, ...all.filter((_, i) => marked[i]).map((p) => p.pid)]);
  const leadsOne = (leader: number): boolean =>
    ours.has(leader) && !(traces.isLane === true && leader === traces.supervisor);
  // Children of ours are ours too, and so is every group and session that one of ours leads; not one that it joined.
  for (let size = 0; size !== ours.size;) {
    size = ours.size;
    for (const p of all) {
      if (ours.has(p.parent) || leadsOne(p.group) || leadsOne(p.session)) ours.add(p.pid);
    }
  }
  for (const spared of [...seeds, process.pid, 1]) ours.delete(spared);
  return all.filter((p) => ours.has(p.pid));
}

/** This process has a log open for a moment whenever it makes one: its other children must not pay for that. */
async function isMarked({ pid }: Process, { cookie, logs }: Traces): Promise<boolean> {
  if (pid === process.pid || pid === 1) return false;
  return (await hasCookie(pid, cookie)) || hasOpenLog(pid, logs);
}

/** proc(5), /proc/PID/stat: the name in brackets may hold anything, so fields are counted from its last bracket. */
async function readProcess(pid: number): Promise<Process | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (stat === undefined) return undefined;
  const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTicks: rest[15] ?? '',
  };
}

async function hasCookie(pid: number, cookie: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.includes(cookie);
}

/** True where the process can write to one of the logs; a reader, such as `tail -f`, is nobody's child. */
async function hasOpenLog(pid: number, logs: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  const found = descriptors.map(async (fd) => {
    const target = await readlink(`${folder}/${fd}`).catch(() => '');
    if (!target.startsWith(logs)) return false;
    // proc(5): the link's own mode tells how the file was opened.
    const mode = await lstat(`${folder}/${fd}`).then(
      (s) => s.mode,
      () => 0,
    );
    return (mode & 0o200) !== 0;
  });
  return (await Promise.all(found)).includes(true);
}
