/** What the parts of an open site share. Each part changes the site only inside `queue`. */
import type { SerialQueue } from '../disk/serial-queue.js';
import type { SiteState } from '../state/site-state.js';
import type { JobDetailsCache } from '../store/job-details-cache.js';
import type { PageUpdater } from './page-updater.js';
import type { SiteLog } from './site-log.js';

export interface SiteParts {
  /** the site's folder */
  readonly folder: string;
  readonly state: SiteState;
  readonly details: JobDetailsCache;
  readonly log: SiteLog;
  readonly pages: PageUpdater;
  /** runs one change at a time */
  readonly queue: SerialQueue;
  /** seconds since 1970, UTC */
  readonly now: () => number;
}
