/** `soil-server check DIR [--repair]`: prints every problem of a site, one per line, and repairs what is possible. */
import { exitStatus, usageError } from '../../command/command-context.js';
import { accept, type Result } from '../../model/result.js';
import { countText } from '../../templates/wording.js';
import { describeFinding, isRepairable } from '../check/finding.js';
import { checkSite, type CheckedSite } from '../check/site-check.js';
import { repairSite } from '../check/site-repair.js';
import { defaultLimits } from '../config/limits.js';
import { isSite, notASite, privateFolder } from '../disk/private-folder.js';
import { takeLock } from '../../files/process-lock.js';
import { readTitle } from '../disk/site-title.js';
import type { CommandContext } from './command-context.js';
import { openSite } from './open-site.js';

export interface CheckCommandOptions {
  readonly repair?: boolean;
}

/** Returns 0 if there are no problems or all are repaired, 1 if problems remain, 2 for a usage error. */
export async function checkCommand(
  folder: string,
  { repair = false }: CheckCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { print } = context;
  if (!(await isSite(folder))) return usageError(context, notASite('cannot check', folder));
  const checked = await checkLocked(folder, { repair, context });
  if (!checked.ok) return usageError(context, checked.error);
  const { findings, jobs, pages } = checked.value;
  for (const finding of findings) print(describeFinding(finding));
  print(
    `soil-server: checked ${countText(jobs, 'job')} and ${countText(pages, 'page')}: ${countProblems(findings.length)}`,
  );
  if (findings.length === 0) return exitStatus.ok;
  if (!repair || !findings.some(isRepairable)) return exitStatus.failed;

  const site = await openSite(folder, { now: context.now, useSnapshot: false });
  if (!site.ok) return usageError(context, site.error);
  await site.value.refreshPages();
  await site.value.close();
  const repaired = await checkLocked(folder, { repair: false, context });
  if (!repaired.ok) return usageError(context, repaired.error);
  const left = repaired.value.findings;
  for (const finding of left) print(`not repaired: ${describeFinding(finding)}`);
  print(
    `soil-server: ${left.length === 0 ? 'all problems repaired' : `${countText(left.length, 'problem')} not repaired`}`,
  );
  return left.length === 0 ? exitStatus.ok : exitStatus.failed;
}

/** Checks the site and, with `repair`, repairs it, under its lock. */
async function checkLocked(
  folder: string,
  { repair, context }: { readonly repair: boolean; readonly context: CommandContext },
): Promise<Result<CheckedSite>> {
  const paths = privateFolder(folder);
  const lock = await takeLock(paths.lock, 'the site');
  if (!lock.ok) return lock;
  try {
    const checked = await checkSite(folder, { paths, limits: defaultLimits, title: await readTitle(folder) });
    if (repair && checked.findings.some(isRepairable)) {
      await repairSite(folder, { paths, findings: checked.findings, now: context.now() });
    }
    return accept(checked);
  } finally {
    await lock.value.release();
  }
}

const countProblems = (count: number): string =>
  count === 0 ? 'no problems found' : `${countText(count, 'problem')} found`;
