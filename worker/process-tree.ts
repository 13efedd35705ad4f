/** The processes of a job on the raw machine: found by four traces, ended by TERM and KILL until none is left. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';

/** How a process of the job is known, whatever it did to hide: see isOurs(). */
export interface Traces {
  /** the supervisor's id: its descendants are the job's, it itself is spared */
  readonly supervisor: number;
  /** a random word in the environment of every task */
  readonly cookie: string;
  /** folder of the job's logs: whoever has a file in it open belongs to the job */
  readonly logFolder: string;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** clock ticks since boot: with the pid, it names a process for ever */
  readonly startTicks: string;
}

/**
 * Ends every process of the job but the supervisor: `signal` to all of them. Returns how many there were. A process
 * that forks while it is looked for is found by the next call: callers repeat until the answer is 0.
 */
export async function signalTree(traces: Traces, signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
  const victims = await findTree(traces);
  for (const victim of victims) {
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
  return victims.length;
}

/** Every living process of the job but the supervisor and this process. */
export async function findTree(traces: Traces): Promise<Process[]> {
  const names = await readdir('/proc');
  const all = (
    await Promise.all(names.filter((n) => /^\d+$/.test(n)).map((n) => readProcess(Number(n))))
  ).filter((p): p is Process => p !== undefined);
  const byPid = new Map(all.map((p) => [p.pid, p]));
  const ours = new Map<number, Process>();
  for (const p of all) if (descends(p, traces.supervisor, byPid)) ours.set(p.pid, p);
  const others = all.filter((p) => !ours.has(p.pid));
  await Promise.all(
    others.map(async (p) => {
      if ((await hasCookie(p.pid, traces.cookie)) || (await hasOpenLog(p.pid, traces.logFolder)))
        ours.set(p.pid, p);
    }),
  );
  // A child of a process that was found by its cookie is ours too, and so is its whole group and session.
  for (let grown = true; grown;) {
    grown = false;
    const groups = new Set([...ours.values()].flatMap((p) => [p.group, p.session]));
    for (const p of all) {
      if (ours.has(p.pid)) continue;
      const led = ours.has(p.group) || ours.has(p.session);
      if (ours.has(p.parent) || (led && (groups.has(p.group) || groups.has(p.session)))) {
        ours.set(p.pid, p);
        grown = true;
      }
    }
  }
  for (const spared of [traces.supervisor, process.pid, 1]) ours.delete(spared);
  return [...ours.values()];
}

function descends(start: Process, ancestor: number, byPid: ReadonlyMap<number, Process>): boolean {
  for (let p = byPid.get(start.parent), steps = 0; p !== undefined && steps < 1000; steps++) {
    if (p.pid === ancestor) return true;
    p = byPid.get(p.parent);
  }
  return false;
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
async function hasOpenLog(pid: number, logFolder: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  const found = descriptors.map(async (fd) => {
    const target = await readlink(`${folder}/${fd}`).catch(() => '');
    if (!target.startsWith(`${logFolder}/`)) return false;
    // proc(5): the link's own mode tells how the file was opened.
    const mode = await lstat(`${folder}/${fd}`).then(
      (s) => s.mode,
      () => 0,
    );
    return (mode & 0o200) !== 0;
  });
  return (await Promise.all(found)).includes(true);
}
