/** A host's pretty list: run after run (sourcehut: commit after commit) with every job. Pure. */
import type { WorkerHost } from '../../../model/name.js';
import { linkBetween, rawIndex, type SitePath } from '../../../model/path.js';
import { renderPageWithFragments } from '../../../templates/template.js';
import { hostWord } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';
import { renderEntries } from './run-entry-view.js';
import { pageFrame, hostCrumb, listPath, pageLinks } from './page-frame.js';
import { pageCount, pageSlice } from './paging.js';

/** How many pages the list has; the last one is the newest, `index.html`. */
export const hostIndexPages = (site: SiteView, host: WorkerHost): number =>
  pageCount(site.groups(host).length);

/** Where page `page` of the list is. */
export const hostIndexPath = (site: SiteView, host: WorkerHost, page: number): SitePath =>
  listPath('pretty', host, site.groups(host).length, page);

/** Page `page`, 1 for the oldest. */
export function renderHostIndex(site: SiteView, host: WorkerHost, page: number): Buffer {
  const runs = site.groups(host);
  const here = hostIndexPath(site, host, page);
  const { start, end } = pageSlice(runs.length, page);
  const isNewest = page === pageCount(runs.length);
  return renderPageWithFragments('host-index', {
    frame: isNewest
      ? pageFrame(site, here, hostWord(host))
      : pageFrame(site, here, `Page ${page}`, [hostCrumb(here, host)]),
    heading: hostWord(host),
    otherList: { text: 'Flat list', href: linkBetween(here, rawIndex(host)) },
    entries: renderEntries(site, runs.slice(start, end).flat(), { page: here, template: 'entry' }),
    pages: pageLinks('pretty', host, runs.length, page),
  });
}
