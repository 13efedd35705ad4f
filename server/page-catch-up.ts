/** The pages of a site that was just opened -> what the site knows: a crash may have come between the two. */
import type { DetailCache } from './detail-cache.js';
import { removeTemporary } from './durable-file.js';
import type { StartedSite } from './site-start.js';
import type { LiveState } from './site-state.js';
import type { SiteWriter } from './site-writer.js';
import { removeStaleNames } from './stale-name.js';

export interface OpenedPages extends Pick<StartedSite, 'stale' | 'removed'> {
  readonly folder: string;
  readonly state: LiveState;
  readonly details: DetailCache;
  readonly writer: SiteWriter;
}

/** Settles when every page shows the state, and what a crash left beside them is gone. */
export async function catchUp({
  folder,
  state,
  details,
  writer,
  stale,
  removed,
}: OpenedPages): Promise<void> {
  const wasStopped = stale !== 'all' && stale.change.folders.length + stale.change.commits.length === 0;
  if (wasStopped) return writer.follow(stale.change);
  await removeTemporary(folder);
  if (stale === 'all') {
    await writer.writeAll();
    await writer.follow(removed);
  } else {
    // A job may have given its run another branch: what the crash kept from being taken away is of the branch before.
    await writer.follow({ ...stale.change, branches: [...state.branches()] });
  }
  await removeStaleNames(folder, { state, details: details.read });
}
