/** `soil-server rebuild DIR`: the records of a folder, ours or another Soil's -> all its pages. */
import { stat } from 'node:fs/promises';
import { workerHosts } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { refuseForeign } from '../disk/site-folder-check.js';
import { defaultLimits } from '../config/limits.js';
import { Site } from '../site/site.js';
import { readTitle } from '../disk/site-title.js';

/**
 * Writes every page. What is bad is told on stderr, one line each, and shown on its own job's pages; it is no failure
 * of the command, which did what it was asked to: the exit status is 0.
 */
export async function rebuildCommand(folder: string, { now, print, warn }: CommandContext): Promise<number> {
  // A slip in a path would make an empty site there, and leave the one that was meant as it is.
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    warn(`cannot rebuild ${quote(folder, 300)}: there is no such folder`);
    return exitStatus.usage;
  }
  const fit = await refuseForeign(folder);
  if (!fit.ok) {
    warn(fit.error);
    return exitStatus.usage;
  }
  const opened = await Site.open(folder, {
    limits: defaultLimits,
    now,
    title: await readTitle(folder),
    useSnapshot: false,
  });
  if (!opened.ok) {
    warn(opened.error);
    return exitStatus.usage;
  }
  const site = opened.value;
  try {
    for (const problem of site.problems) warn(`warning: ${problem}`);
    const written = await site.refreshPages();
    const runs = workerHosts.flatMap((host) => site.view.groups(host).flat());
    const jobs = runs.reduce((sum, run) => sum + run.jobs.length, 0);
    print(
      `soil-server: ${runs.length} runs, ${jobs} jobs, ${site.problems.length} problems; ${written} files changed`,
    );
    return exitStatus.ok;
  } finally {
    await site.close();
  }
}
