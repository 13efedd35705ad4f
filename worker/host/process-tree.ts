/** Finds and ends the processes of a job on the raw machine. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isWithinGrace, type Grace } from './task-host.js';

/** What identifies the processes of a job, or of one task, even of daemons. */
export interface ProcessMarks {
  /** process id: its descendants belong to the job; it is not ended itself. Absent: it has exited */
  readonly supervisor?: number;
  /** a random word in the environment of the processes */
  readonly cookie: string;
  /** path prefix of the logs: a process with one of them open for writing belongs to the job, or to the task */
  readonly logs: string;
  /**
   * tasks run in parallel: groups and sessions that the supervisor leads are ignored, since they also hold the
   * processes that earlier tasks of its lane left running
   */
  readonly isLane?: boolean;
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** clock ticks since boot: with the pid, it identifies a process even after pids are reused */
  readonly startTicks: string;
}

/** Between two scans of /proc. */
const pollMs = 20;
/** How long KILL is repeated, since the processes may still fork. */
const killSeconds = 10;

/** Ends the processes: TERM, the grace period, then KILL until a scan finds none. Returns the survivors. */
export async function killTree(marks: ProcessMarks, grace: Grace): Promise<readonly Process[]> {
  const startedAt = performance.now();
  let left = await findProcesses(marks);
  await signalAll(left, 'SIGTERM');
  while (left.length > 0 && isWithinGrace(grace, startedAt)) {
    await wait(pollMs);
    left = await findProcesses(marks);
  }
  const killEnds = performance.now() + killSeconds * 1000;
  while (left.length > 0 && performance.now() < killEnds) {
    await signalAll(left, 'SIGKILL');
    await wait(pollMs);
    left = await findProcesses(marks);
  }
  return left;
}

async function signalAll(processes: readonly Process[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const victim of processes) {
    // The pid may have been reused since the scan.
    const now = await readProcess(victim.pid);
    if (now?.startTicks !== victim.startTicks) continue;
    try {
      process.kill(victim.pid, signal);
    } catch (error) {
      // It has exited, or belongs to another user: the child of a setuid program.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
        throw error;
    }
  }
}

/** Finds every living process of the job, without the supervisor and this process. */
export async function findProcesses(marks: ProcessMarks): Promise<readonly Process[]> {
  const names = await readdir('/proc');
  const all = (
    await Promise.all(names.filter((n) => /^\d+$/.test(n)).map((n) => readProcess(Number(n))))
  ).filter((p): p is Process => p !== undefined);
  const seeds = marks.supervisor === undefined ? [] : [marks.supervisor];
  const marked = await Promise.all(all.map((p) => isMarked(p, marks)));
  const own = new Set([...seeds, ...all.filter((_, i) => marked[i]).map((p) => p.pid)]);
  const isLedByOwn = (leader: number): boolean =>
    own.has(leader) && !(marks.isLane === true && leader === marks.supervisor);
  // A child of an own process is own too, and so are groups and sessions that one of them leads, not those it joined.
  for (let size = 0; size !== own.size;) {
    size = own.size;
    for (const p of all) {
      if (own.has(p.parent) || isLedByOwn(p.group) || isLedByOwn(p.session)) own.add(p.pid);
    }
  }
  for (const excluded of [...seeds, process.pid, 1]) own.delete(excluded);
  return all.filter((p) => own.has(p.pid));
}

/** Excludes the worker: it has each log open while it creates it, and its other children are not the job's. */
async function isMarked({ pid }: Process, { cookie, logs }: ProcessMarks): Promise<boolean> {
  if (pid === process.pid || pid === 1) return false;
  return (await hasCookie(pid, cookie)) || hasOpenLog(pid, logs);
}

/** Reads /proc/PID/stat (proc(5)). The name in parentheses may contain anything, so fields count from the last one. */
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

/** Reports whether a process can write to one of the logs. A reader, such as `tail -f`, does not count. */
async function hasOpenLog(pid: number, logs: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  const found = descriptors.map(async (fd) => {
    const target = await readlink(`${folder}/${fd}`).catch(() => '');
    if (!target.startsWith(logs)) return false;
    // proc(5): the mode of the link shows how the file was opened.
    const mode = await lstat(`${folder}/${fd}`).then(
      (s) => s.mode,
      () => 0,
    );
    return (mode & 0o200) !== 0;
  });
  return (await Promise.all(found)).includes(true);
}
