/** One writer per site: a lock file that names its process, and is known to be stale when that process is gone. */
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../model/result.js';
import { isMissing } from './durable-file.js';

export interface Lock {
  readonly release: () => Promise<void>;
}

/**
 * Takes the lock at `path`, or says who has it. A process is told from a later one with the same number by its start
 * time in `/proc`, and from one before a reboot by the boot's id.
 */
export async function takeLock(path: string, what: string): Promise<Result<Lock>> {
  const mine = await describeProcess(process.pid);
  const candidate = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(candidate, mine ?? '', { mode: 0o600, flag: 'wx' });
  try {
    // Another process may take it between a look and a try: three tries are plenty, since each look is fresh.
    for (let tries = 0; tries < 3; tries++) {
      if (await linked(candidate, path)) return accept({ release: () => rm(path, { force: true }) });
      const held = await readFile(path, 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (held === undefined) continue;
      const [pid = ''] = held.split(' ');
      if (await isAlive(held)) {
        return refuse(`cannot take ${what}: process ${pid} has it (${quote(path)})`);
      }
      await removeStale(path, held);
    }
    return refuse(`cannot take ${what}: others take it at the same moment (${quote(path)})`);
  } finally {
    await rm(candidate, { force: true });
  }
}

/** link(2) makes the name with its contents at once, and fails where the name is taken. */
async function linked(candidate: string, path: string): Promise<boolean> {
  try {
    await link(candidate, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a stale lock aside. Had another process replaced it by its own meanwhile, that one is put back. */
async function removeStale(path: string, held: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== held) await linked(aside, path);
  await rm(aside, { force: true });
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

async function isAlive(held: string): Promise<boolean> {
  const pid = Number(held.split(' ')[0]);
  return Number.isSafeInteger(pid) && pid > 0 && (await describeProcess(pid)) === held;
}
