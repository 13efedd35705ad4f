/** `soil-server rebuild DIR`: rewrites every page of a site from its records. */
import { stat } from 'node:fs/promises';
import { exitStatus, usageError } from '../../command/command-context.js';
import { workerHosts } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { countText } from '../../templates/wording.js';
import { checkSiteFolder } from '../disk/site-folder-check.js';
import type { CommandContext } from './command-context.js';
import { openSite } from './open-site.js';

/**
 * Prints each problem of a record on stderr. Returns 0 even if there are problems, since the pages of the job show
 * them; 2 for a usage error.
 */
export async function rebuildCommand(folder: string, context: CommandContext): Promise<number> {
  const { now, print, warn } = context;
  // A misspelled path would create an empty site and leave the intended one unchanged.
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    return usageError(context, `cannot rebuild ${quote(folder, 300)}: no such directory`);
  }
  const usable = await checkSiteFolder(folder);
  if (!usable.ok) return usageError(context, usable.error);
  const opened = await openSite(folder, { now, useSnapshot: false });
  if (!opened.ok) return usageError(context, opened.error);
  const site = opened.value;
  try {
    for (const problem of site.problems) warn(`warning: ${problem}`);
    const written = await site.refreshPages();
    const runs = workerHosts.flatMap((host) => site.view.groups(host).flat());
    const jobs = runs.reduce((sum, run) => sum + run.jobs.length, 0);
    print(
      `soil-server: read ${countText(runs.length, 'run')} and ${countText(jobs, 'job')} ` +
        `(${countText(site.problems.length, 'problem')}); wrote ${countText(written, 'file')}`,
    );
    return exitStatus.ok;
  } finally {
    await site.close();
  }
}
