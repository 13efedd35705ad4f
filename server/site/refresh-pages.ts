/** The pages of a site that was just opened -> what the site knows: a crash may have come between the two. */
import type { JobDetailsCache } from '../store/job-details-cache.js';
import { removeTemporary } from '../disk/atomic-file.js';
import type { LoadedSite } from './load-site.js';
import type { SiteState } from '../state/site-state.js';
import type { PageWriter } from '../pages/page-writer.js';
import { removeStaleUrls } from '../pages/stale-urls.js';

export interface OpenedPages extends Pick<LoadedSite, 'stale' | 'removed'> {
  readonly folder: string;
  readonly state: SiteState;
  readonly details: JobDetailsCache;
  readonly writer: PageWriter;
}

/** Settles when every page shows the state, and what a crash left beside them is gone. */
export async function refreshPages({
  folder,
  state,
  details,
  writer,
  stale,
  removed,
}: OpenedPages): Promise<void> {
  const wasStopped = stale !== 'all' && stale.change.folders.length + stale.change.commits.length === 0;
  if (wasStopped) return writer.schedule(stale.change);
  await removeTemporary(folder);
  if (stale === 'all') {
    await writer.writeAll();
    await writer.schedule(removed);
  } else {
    // A job may have given its run another branch: what the crash kept from being taken away is of the branch before.
    await writer.schedule({ ...stale.change, branches: [...state.branches()] });
  }
  await removeStaleUrls(folder, { state, details: details.read });
}
