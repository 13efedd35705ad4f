/** One writer per site: a lock file that names its process, and is void once that process is gone. */
import { open, readFile, rm } from 'node:fs/promises';
import { accept, quote, refuse, type Result } from '../model/result.js';

export interface SiteLock {
  release(): Promise<void>;
}

/** Takes the lock, or says who has it. A lock whose process has ended is taken over. */
export async function takeLock(file: string): Promise<Result<SiteLock>> {
  const own = `${process.pid} ${await startOf(process.pid)}\n`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(own);
      await handle.close();
      return accept({ release: () => rm(file, { force: true }) });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const [pid = '', start = ''] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
    if (/^\d+$/.test(pid) && (await startOf(Number(pid))) === start && start !== '') {
      return refuse(`cannot lock the site: process ${pid} has it (${quote(file, 200)})`);
    }
    await rm(file, { force: true });
  }
  return refuse(`cannot lock the site: somebody else takes ${quote(file, 200)} at the same time`);
}

/** proc(5): when a process began, in clock ticks since boot. With its id, that names it for ever; '' where it is gone. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
