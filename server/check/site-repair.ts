/** Repairs what a check found. Files are moved aside, never deleted. */
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EventLog, readLog } from '../store/event-log.js';
import type { Finding } from './finding.js';
import { chainStart } from '../store/log-entry.js';
import type { PrivateFolder } from '../disk/private-folder.js';
import { valueOf } from '../../model/result.js';

/**
 * Moves stray files and a broken log to `.soil/aside/TIME/`, and writes a new log from the lines that can be read.
 * Opening the site and refreshing its pages then writes what is missing. `now`: seconds since 1970, UTC.
 */
export async function repairSite(
  folder: string,
  {
    paths,
    findings,
    now,
  }: { readonly paths: PrivateFolder; readonly findings: readonly Finding[]; readonly now: number },
): Promise<void> {
  const aside = join(paths.root, 'aside', new Date(now * 1000).toISOString().replace(/[:.]/g, ''));
  const moveAside = async (from: string, name: string): Promise<void> => {
    const to = join(aside, name);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    // The next check would report an empty folder. rmdir() does not remove any other.
    await rmdir(dirname(from)).catch(() => undefined);
  };
  for (const finding of findings) {
    if (finding.kind === 'stray' || finding.kind === 'extra-page')
      await moveAside(join(folder, finding.path), finding.path);
  }
  await rm(paths.snapshot, { force: true });
  if (!findings.some((finding) => finding.kind === 'log')) return;
  const { entries } = valueOf(await readLog(paths.log));
  await moveAside(paths.log, 'log');
  await mkdir(paths.log, { mode: 0o700 });
  const log = await EventLog.open(paths.log, chainStart);
  const reason = 'the chain was broken: the lines that could be read follow; the old files were moved aside';
  await log.append([{ kind: 'repaired', time: now, reason }, ...entries.map(({ entry }) => entry)]);
  await log.close();
}
