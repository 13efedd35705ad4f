/** Files under names that stay, of branches and histories -> those that nothing makes any more are gone. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { branchRoot, historyRoot } from '../../model/path.js';
import { planAll, type PlanSource } from './page-plan.js';
import { isMissing } from '../../files/atomic-file.js';

/** For a start after a crash: a server that runs takes them away itself. How many there were. */
export async function removeStaleUrls(site: string, source: PlanSource): Promise<number> {
  const planned = new Set<string>();
  for (const { path } of planAll(source)) planned.add(path);
  let removed = 0;
  for (const root of [branchRoot, historyRoot]) {
    const entries = await readdir(join(site, root), { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      },
    );
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || planned.has(path.slice(site.length + 1))) continue;
      await rm(path, { force: true });
      removed++;
    }
  }
  return removed;
}
