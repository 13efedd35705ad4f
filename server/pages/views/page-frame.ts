/** The frame of a page: title, stylesheet and breadcrumbs. Pure. */
import { homePage, hostIndex, linkBetween, webFile, type SitePath } from '../../../model/path.js';
import type { WorkerHost } from '../../../model/name.js';
import type { PageFrame, Link, MaybeLink } from '../../../templates/part.js';
import { hostWord, type Mark } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';

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
