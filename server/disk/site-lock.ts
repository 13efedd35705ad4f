/** One writer per site: numbered lock files, of which the highest names the process that holds the lock. */
import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { isListening, openLockSocket } from './lock-socket.js';
import { isMissing, writeWhole } from '../../files/atomic-file.js';

export interface Lock {
  readonly release: () => Promise<void>;
}

/** What stands in a lock file that its owner gave back. */
const RELEASED = 'released\n';

/**
 * Takes the lock at `path`, or says who has it. Its files are `PATH.1`, `PATH.2` and so on: the highest number counts,
 * and whoever finds its owner gone makes the next. So a stale lock is never removed to make room, which two processes
 * could do to each other; it is only removed once a higher number stands.
 *
 * A process is told from a later one with the same number by its start time in `/proc`, and from one before a reboot by
 * the boot's id. In a container numbers are others: there, whether the owner lives is asked at the socket it listens on.
 */
export async function takeLock(path: string, what: string): Promise<Result<Lock>> {
  const before = await ownerOf(path, Math.max(0, ...(await numbersAt(path))));
  if (before !== undefined) return taken(before, { path, what });
  const name = randomBytes(4).toString('hex');
  const draft = `${path}.draft-${process.pid}-${name}`;
  const socket = await openLockSocket(socketOf(path, name));
  let isMine = false;
  try {
    const self = (await describeProcess(process.pid)) ?? '- - -';
    await writeFile(draft, `${self} ${name}`, { mode: 0o600, flag: 'wx' });
    for (;;) {
      const highest = Math.max(0, ...(await numbersAt(path)));
      const owner = await ownerOf(path, highest);
      if (owner !== undefined) return taken(owner, { path, what });
      const mine = highest + 1;
      if (!(await linked(draft, `${path}.${mine}`))) continue;
      // The number was free because its file was never made, or because it was made, passed and removed meanwhile.
      const numbers = await numbersAt(path);
      if (Math.max(...numbers) > mine) {
        await rm(`${path}.${mine}`, { force: true });
        continue;
      }
      for (const number of numbers) if (number < mine) await removeStale(path, number);
      isMine = true;
      return accept({
        release: async () => {
          await release(`${path}.${mine}`);
          await socket?.close();
        },
      });
    }
  } finally {
    await rm(draft, { force: true });
    if (!isMine) await socket?.close();
  }
}

const taken = (owner: string, { path, what }: { readonly path: string; readonly what: string }) =>
  refuse(`cannot take ${what}: process ${owner} has it (${quote(path)})`);

const socketOf = (path: string, name: string): string => `${path}.${name}.sock`;

/** A lock whose owner is gone, and the socket that it listened on. */
async function removeStale(path: string, number: number): Promise<void> {
  const [, , , socket] = await wordsIn(`${path}.${number}`);
  if (socket !== undefined) await rm(socketOf(path, socket), { force: true });
  await rm(`${path}.${number}`, { force: true });
}

/** The file stays, so that numbers only ever grow, but it names no process any more. */
async function release(file: string): Promise<void> {
  await writeWhole(file, RELEASED, { sync: false, mode: 0o600 });
}

async function numbersAt(path: string): Promise<readonly number[]> {
  const start = `${basename(path)}.`;
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start) && /^[1-9]\d*$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)));
}

/** The number of the process that holds the lock file, or nothing when it is gone or gave the lock back. */
async function ownerOf(path: string, number: number): Promise<string | undefined> {
  const [pid = '', start = '', boot = '', socket] = await wordsIn(`${path}.${number}`);
  if (/^\d+$/.test(pid) && (await describeProcess(Number(pid))) === `${pid} ${start} ${boot}`) return pid;
  if (socket === undefined || !(await isListening(socketOf(path, socket)))) return undefined;
  return `${pid} of another container`;
}

/** `PID START BOOT SOCKET`; other words, or none, where nobody holds the lock. */
async function wordsIn(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw error;
  });
  const words = text.trim().split(' ');
  return words.slice(0, 3).concat(words.slice(3, 4).filter((word) => /^[0-9a-f]{8}$/.test(word)));
}

/** link(2) makes the name with its contents at once, and fails where the name is taken. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** `PID START BOOT`, where START is in clock ticks since boot: field 22 of proc_pid_stat(5). */
async function describeProcess(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, blanks and parentheses too.
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return `${pid} ${start} ${boot}`;
  } catch {
    return undefined;
  }
}
