/** What surrounds a page of the site: title, stylesheet and way back. It depends on nothing but the page's own address. */
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
 * `name` is the page's own crumb and the head of its title; an outcome stands beside it there: a tab, a bookmark and a
 * browser's history tell it.
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

/** The crumb that leads to a host's index. */
export const hostCrumb = (page: SitePath, host: WorkerHost): Link => ({
  text: hostWord(host),
  href: linkBetween(page, hostIndex(host)),
});

/** The two lists that a host's runs stand in. */
export type ListKind = 'pretty' | 'raw';

/** The address of page `page` of a list with `total` runs. */
export function listPath(kind: ListKind, host: WorkerHost, total: number, page: number): SitePath {
  const isNewest = page === pageCount(total);
  if (kind === 'raw') return isNewest ? rawIndex(host) : rawIndexPage(host, page);
  return isNewest ? hostIndex(host) : hostIndexPage(host, page);
}

/** Links to the page's neighbours. The total is not told on older pages: they would change with every run. */
export function pageLinks(kind: ListKind, host: WorkerHost, total: number, page: number): PageLinks {
  const here = listPath(kind, host, total, page);
  const href = (other: number) => linkBetween(here, listPath(kind, host, total, other));
  const { start, end } = pageSlice(total, page);
  const isNewest = page === pageCount(total);
  const count = end - start;
  // There each job is a run of its own, and is called so.
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
