/** A host's list of runs with their jobs; on sourcehut, its list of commits. Pure. */
import type { WorkerHost } from '../../../model/name.js';
import { linkBetween, rawIndex, type SitePath } from '../../../model/path.js';
import { renderPageWithFragments } from '../../../templates/template.js';
import { hostWord } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';
import { renderEntries } from './run-entry-view.js';
import { pageFrame, hostCrumb } from './page-frame.js';
import { listPath, pageCount, pageLinks, pageSlice } from './paging.js';

/** Returns the number of pages. The last one, `index.html`, has the newest runs. */
export const hostIndexPages = (site: SiteView, host: WorkerHost): number =>
  pageCount(site.groups(host).length);

/** Returns the address of page `page`. */
export const hostIndexPath = (site: SiteView, host: WorkerHost, page: number): SitePath =>
  listPath('grouped', host, site.groups(host).length, page);

/** Renders page `page`; 1 is the oldest. */
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
    pages: pageLinks('grouped', host, runs.length, page),
  });
}
