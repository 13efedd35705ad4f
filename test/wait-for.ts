/** Waits for what other processes do. */
import { access, readFile, readdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** Polls until the condition is true, at most 60 s; `what` completes the error: "the task ends". */
export async function waitUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error(`not within 60 s: ${what}`);
    await setTimeout(20);
  }
}

export function waitForFile(path: string): Promise<void> {
  const exists = (): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  return waitUntil(`${path} exists`, exists);
}

/** Returns whether a process on this machine, in any container or none, has the word in its command line. */
export async function isProcessRunning(word: string): Promise<boolean> {
  for (const pid of (await readdir('/proc')).filter((n) => /^\d+$/.test(n))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (Number(pid) !== process.pid && line.includes(word)) return true;
  }
  return false;
}
