/** The frame of a page (title, stylesheet, breadcrumbs) and the links between the pages of a list. Pure. */
import {
  homePage,
  hostIndex,
  hostIndexPage,
  linkBetween,
  rawIndex,
  rawIndexPage,
  webFile,
  type SitePath,
} from '../../../model/path.js';
import type { WorkerHost } from '../../../model/name.js';
import type { PageFrame, Link, MaybeLink, PageLinks } from '../../../templates/part.js';
import { hostWord, type Mark } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';
import { pageCount, pageSlice, runsPerPage } from './paging.js';

/**
 * `name` is the page's breadcrumb and the start of its title. The title includes the outcome, so that browser tabs and
 * bookmarks show it.
 */
export function pageFrame(
  site: SiteView,
  page: SitePath,
  name: string,
  above: readonly Link[] = [],
  outcome?: Mark,
): PageFrame {
  const crumbs: MaybeLink[] = [...above, { text: name, href: undefined }];
  return {
    title: [
      outcome ? `${name}: ${outcome.word}` : name,
      ...above.map((link) => link.text).reverse(),
      site.title,
    ].join(' · '),
    siteTitle: site.title,
    homeHref: linkBetween(page, homePage()),
    styleHref: linkBetween(page, webFile('style.css')),
    iconHref: linkBetween(page, webFile('icon.svg')),
    feedHref: undefined,
    crumbs: page === homePage() ? [] : crumbs,
  };
}

/** The breadcrumb of a host's index. */
export const hostCrumb = (page: SitePath, host: WorkerHost): Link => ({
  text: hostWord(host),
  href: linkBetween(page, hostIndex(host)),
});

/** The two lists of a host's runs: grouped by run, and flat with one row per job. */
export type ListKind = 'grouped' | 'flat';

/** Returns the address of page `page` of a list with `total` runs. */
export function listPath(kind: ListKind, host: WorkerHost, total: number, page: number): SitePath {
  const isNewest = page === pageCount(total);
  if (kind === 'flat') return isNewest ? rawIndex(host) : rawIndexPage(host, page);
  return isNewest ? hostIndex(host) : hostIndexPage(host, page);
}

/** Links to the neighboring pages. Old pages do not show the total, or they would change with every run. */
export function pageLinks(kind: ListKind, host: WorkerHost, total: number, page: number): PageLinks {
  const here = listPath(kind, host, total, page);
  const href = (other: number) => linkBetween(here, listPath(kind, host, total, other));
  const { start, end } = pageSlice(total, page);
  const isNewest = page === pageCount(total);
  const count = end - start;
  // On sourcehut each job is its own run.
  const noun = host === 'sourcehut' ? 'job' : 'run';
  return {
    hasOthers: !isNewest || page > 1,
    label: isNewest
      ? `newest ${count === 1 ? noun : `${count} ${noun}s`}`
      : `${noun}s ${(page - 1) * runsPerPage + 1} to ${page * runsPerPage}, counted from the oldest`,
    newerHref: isNewest ? undefined : href(page + 1),
    olderHref: page === 1 ? undefined : href(page - 1),
  };
}
