/** One writer per site: numbered lock files, of which the highest names the process that holds the lock. */
import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { isMissing } from './durable-file.js';

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
 * the boot's id.
 */
export async function takeLock(path: string, what: string): Promise<Result<Lock>> {
  const draft = `${path}.draft-${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(draft, (await describeProcess(process.pid)) ?? '', { mode: 0o600, flag: 'wx' });
  try {
    for (;;) {
      const highest = Math.max(0, ...(await numbersAt(path)));
      const owner = await ownerOf(path, highest);
      if (owner !== undefined) return refuse(`cannot take ${what}: process ${owner} has it (${quote(path)})`);
      const mine = highest + 1;
      if (!(await linked(draft, `${path}.${mine}`))) continue;
      // The number was free because its file was never made, or because it was made, passed and removed meanwhile.
      const numbers = await numbersAt(path);
      if (Math.max(...numbers) > mine) {
        await rm(`${path}.${mine}`, { force: true });
        continue;
      }
      for (const number of numbers) if (number < mine) await rm(`${path}.${number}`, { force: true });
      return accept({ release: () => release(`${path}.${mine}`) });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** The file stays, so that numbers only ever grow, but it names no process any more. */
async function release(file: string): Promise<void> {
  const draft = `${file}.released-${randomBytes(4).toString('hex')}`;
  await writeFile(draft, RELEASED, { mode: 0o600, flag: 'wx' });
  await rename(draft, file);
}

async function numbersAt(path: string): Promise<readonly number[]> {
  const start = `${basename(path)}.`;
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start) && /^[1-9]\d*$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)));
}

/** The number of the process that holds the lock file, or nothing when it is gone or gave the lock back. */
async function ownerOf(path: string, number: number): Promise<string | undefined> {
  const held = await readFile(`${path}.${number}`, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw error;
  });
  const pid = Number(held.split(' ')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return (await describeProcess(pid)) === held ? String(pid) : undefined;
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
