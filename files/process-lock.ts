/** Locks a site, or the files of a job, for one process. The highest number of the lock's files names the owner. */
import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { isListening, openLockSocket } from './lock-socket.js';
import { isMissing, writeWhole } from './atomic-file.js';

export interface Lock {
  readonly release: () => Promise<void>;
}

/** The content of a lock file whose owner released it. */
const RELEASED = 'released\n';

/** The lock, or the id of the process that holds it, as in `123`, or `123 of another container`. */
export type LockAttempt =
  { readonly kind: 'taken'; readonly lock: Lock } | { readonly kind: 'held'; readonly owner: string };

/** Takes the lock at `path`; `what` names it in messages. Refuses with the id of the process that holds it. */
export async function takeLock(path: string, what: string): Promise<Result<Lock>> {
  const attempt = await tryLock(path);
  if (attempt.kind === 'taken') return accept(attempt.lock);
  return refuse(`cannot lock ${what}: process ${attempt.owner} holds the lock (${quote(path)})`);
}

/**
 * Takes the lock at `path` if no living process holds it. The files are `PATH.1`, `PATH.2` and so on. A process that finds
 * the owner of the highest number dead creates the next one. A stale file is removed only after a higher one exists: two
 * processes that removed it first could both take the lock.
 *
 * Process ids are reused. The start time in `/proc` distinguishes processes with the same id, and the boot id those of
 * before a reboot. In another container ids differ, so the owner is alive if its socket accepts a connection.
 */
export async function tryLock(path: string): Promise<LockAttempt> {
  const before = await findOwner(path, Math.max(0, ...(await listNumbers(path))));
  if (before !== undefined) return { kind: 'held', owner: before };
  const name = randomBytes(4).toString('hex');
  const draft = `${path}.draft-${process.pid}-${name}`;
  const socket = await openLockSocket(socketOf(path, name));
  let isTaken = false;
  try {
    const self = (await describeProcess(process.pid)) ?? '- - -';
    await writeFile(draft, `${self} ${name}`, { mode: 0o600, flag: 'wx' });
    for (;;) {
      const highest = Math.max(0, ...(await listNumbers(path)));
      const owner = await findOwner(path, highest);
      if (owner !== undefined) return { kind: 'held', owner };
      const number = highest + 1;
      if (!(await linkNew(draft, `${path}.${number}`))) continue;
      // The number was free because it is new, or because a later process had removed it. Then a higher one exists.
      const numbers = await listNumbers(path);
      if (Math.max(...numbers) > number) {
        await rm(`${path}.${number}`, { force: true });
        continue;
      }
      for (const older of numbers) if (older < number) await removeStale(path, older);
      isTaken = true;
      const lock: Lock = {
        release: async () => {
          await release(`${path}.${number}`);
          await socket?.close();
        },
      };
      return { kind: 'taken', lock };
    }
  } finally {
    await rm(draft, { force: true });
    if (!isTaken) await socket?.close();
  }
}

const socketOf = (path: string, name: string): string => `${path}.${name}.sock`;

/** Removes a lock whose owner is dead, and its socket. */
async function removeStale(path: string, number: number): Promise<void> {
  const [, , , socket] = await readWords(`${path}.${number}`);
  if (socket !== undefined) await rm(socketOf(path, socket), { force: true });
  await rm(`${path}.${number}`, { force: true });
}

/** Removes the process from the file, but not the file, so that numbers only grow. */
async function release(file: string): Promise<void> {
  await writeWhole(file, RELEASED, { sync: false, mode: 0o600 });
}

async function listNumbers(path: string): Promise<readonly number[]> {
  const start = `${basename(path)}.`;
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start) && /^[1-9]\d*$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)));
}

/** Returns the id of the process that holds the lock; undefined if it is dead or released the lock. */
async function findOwner(path: string, number: number): Promise<string | undefined> {
  const [pid = '', start = '', boot = '', socket] = await readWords(`${path}.${number}`);
  if (/^\d+$/.test(pid) && (await describeProcess(Number(pid))) === `${pid} ${start} ${boot}`) return pid;
  if (socket === undefined || !(await isListening(socketOf(path, socket)))) return undefined;
  return `${pid} of another container`;
}

/** Returns `PID START BOOT SOCKET`; other words, or none, if the lock is free. */
async function readWords(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw error;
  });
  const words = text.trim().split(' ');
  return words.slice(0, 3).concat(words.slice(3, 4).filter((word) => /^[0-9a-f]{8}$/.test(word)));
}

/** Creates `path` with the content of `draft`, atomically. Returns false if it exists: link(2) does not overwrite. */
async function linkNew(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Returns `PID START BOOT`; undefined if there is no such process. A zombie is none: it was killed, and only its parent has
 * not asked for its exit status. START is in clock ticks since boot: field 22 of proc_pid_stat(5); field 3 is the state.
 */
async function describeProcess(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain anything, spaces and parentheses included.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = ''] = fields;
    if (/[ZXx]/.test(state)) return undefined;
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return `${pid} ${fields[19] ?? ''} ${boot}`;
  } catch {
    return undefined;
  }
}
