/** Prepares a site's folder for changes: completes or removes what a crash interrupted, and reads the site. */
import type { ServerLimits } from '../config/limits.js';
import { emptyStaging, type PrivateFolder } from '../disk/private-folder.js';
import { pageVersion } from '../pages/page-version.js';
import { cutTornLine, EventLog } from '../store/event-log.js';
import { removeInterruptedWrites } from '../store/interrupted-writes.js';
import { JobDetailsCache } from '../store/job-details-cache.js';
import { deleteRemoved } from './delete-removed.js';
import { readSite, type ReadSite } from './read-site.js';

export interface LoadOptions {
  readonly limits: ServerLimits;
  /** seconds since 1970, UTC */
  readonly now: () => number;
  readonly title: string;
  /** false: reads every record and the whole log, and ignores the snapshot */
  readonly useSnapshot?: boolean;
}

export interface LoadedSite extends Omit<ReadSite, 'log' | 'unlogged'> {
  readonly log: EventLog;
  readonly details: JobDetailsCache;
  /** the current version of the pages, see pageVersion() */
  readonly pages: string;
}

/** Loads a site. Call it only while holding the site's lock. */
export async function loadSite(
  site: string,
  paths: PrivateFolder,
  { limits, now, title, useSnapshot = true }: LoadOptions,
): Promise<LoadedSite> {
  await removeInterruptedWrites(site, paths.staging);
  await emptyStaging(paths, { now: now(), partialSeconds: limits.partialSeconds });
  const details = new JobDetailsCache(site, limits);
  const pages = await pageVersion(title);
  const {
    log: read,
    unlogged,
    ...loaded
  } = await readSite(site, {
    ...{ paths, limits, title, pages, details, useSnapshot },
  });
  await cutTornLine(paths.log);
  // A crash may have interrupted a removal after its log entry and before its files were deleted.
  const entries = read.entries.map(({ entry }) => entry);
  await deleteRemoved(site, loaded.state, entries);
  const log = await EventLog.open(paths.log, read.end);
  // A crash may have interrupted a store before its log entry, or another program may have written the folder.
  const time = now();
  await log.append(unlogged.map((record) => ({ kind: 'record', time, ...record, found: true })));
  return { ...loaded, log, details, pages };
}
