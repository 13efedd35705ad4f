/** `soil-server check DIR [--repair]`: a site -> everything in it that is not as it should be, one line each. */
import { quote } from '../../model/result.js';
import { exitStatus } from '../../command/command-context.js';
import type { CommandContext } from './command-context.js';
import { isRepairable, describeFinding } from '../check/finding.js';
import { defaultLimits } from '../config/limits.js';
import { isSite, privateFolder } from '../disk/private-folder.js';
import { checkSite, type CheckedSite } from '../check/site-check.js';
import { takeLock } from '../disk/site-lock.js';
import { repairSite } from '../check/site-repair.js';
import { Site } from '../site/site.js';
import { readTitle } from '../disk/site-title.js';

export interface CheckCommandOptions {
  readonly repair?: boolean;
}

/** Exit status: 0 when all is well, or was mended; 1 when something is wrong that still is; 2 for wrong use. */
export async function checkCommand(
  folder: string,
  { repair = false }: CheckCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { now, print, warn } = context;
  if (!(await isSite(folder))) {
    warn(`cannot check ${quote(folder)}: it is no site`);
    return exitStatus.usage;
  }
  const own = privateFolder(folder);
  const look = async ({ mend }: { readonly mend: boolean }): Promise<CheckedSite | undefined> => {
    const lock = await takeLock(own.lock, 'the site');
    if (!lock.ok) {
      warn(lock.error);
      return undefined;
    }
    try {
      const checked = await checkSite(folder, { own, limits: defaultLimits, title: await readTitle(folder) });
      if (mend && checked.findings.some(isRepairable)) {
        await repairSite(folder, { own, findings: checked.findings, now: now() });
      }
      return checked;
    } finally {
      await lock.value.release();
    }
  };
  const checked = await look({ mend: repair });
  if (checked === undefined) return exitStatus.usage;
  const { findings, jobs, pages } = checked;
  for (const finding of findings) print(describeFinding(finding));
  print(
    `soil-server: ${jobs} jobs, ${pages} pages: ${findings.length === 0 ? 'all is well' : `${findings.length} findings`}`,
  );
  if (findings.length === 0) return exitStatus.ok;
  if (!repair || !findings.some(isRepairable)) return exitStatus.failed;
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
  await opened.value.refreshPages();
  await opened.value.close();
  const left = await look({ mend: false });
  if (left === undefined) return exitStatus.usage;
  for (const finding of left.findings) print(`left: ${describeFinding(finding)}`);
  print(
    `soil-server: ${left.findings.length === 0 ? 'everything was mended' : `${left.findings.length} findings are left`}`,
  );
  return left.findings.length === 0 ? exitStatus.ok : exitStatus.failed;
}
