/** What a check found -> a site that its next check finds nothing in, as far as that can be. Nothing is thrown away. */
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EventLog, readLog } from '../store/event-log.js';
import type { Finding } from './finding.js';
import { chainStart } from '../store/log-entry.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { valueOf } from '../../model/result.js';

/**
 * Sets strays and a broken log aside, in `.soil/aside/TIME/`, and chains the log anew from what can be read of it. Pages
 * and lines that are missing follow when the site is opened and shown. `now` in seconds since 1970, UTC.
 */
export async function repairSite(
  folder: string,
  {
    own,
    findings,
    now,
  }: { readonly own: PrivateFolder; readonly findings: readonly Finding[]; readonly now: number },
): Promise<void> {
  const aside = join(own.root, 'aside', new Date(now * 1000).toISOString().replace(/[:.]/g, ''));
  const setAside = async (from: string, name: string): Promise<void> => {
    const to = join(aside, name);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    // A folder that has nothing else would be the next check's finding; one that has something stays.
    await rmdir(dirname(from)).catch(() => undefined);
  };
  for (const finding of findings) {
    const isSuperfluous = finding.kind === 'page' && finding.reason.startsWith('nothing makes');
    if (finding.kind === 'stray' || isSuperfluous) await setAside(join(folder, finding.path), finding.path);
  }
  await rm(own.snapshot, { force: true });
  if (!findings.some((finding) => finding.kind === 'log' && !finding.reason.includes('is torn'))) return;
  const { entries } = valueOf(await readLog(own.log));
  await setAside(own.log, 'log');
  await mkdir(own.log, { mode: 0o700 });
  const log = await EventLog.open(own.log, chainStart);
  const reason = 'the chain was broken; the lines that could be read follow, the old files are set aside';
  await log.append([{ kind: 'repaired', time: now, reason }, ...entries.map(({ entry }) => entry)]);
  await log.close();
}
