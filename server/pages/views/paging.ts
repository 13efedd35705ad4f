/** Splits a long list of runs into pages, numbered from the oldest, so that old pages do not change. Pure. */
import {
  hostIndex,
  hostIndexPage,
  linkBetween,
  rawIndex,
  rawIndexPage,
  type SitePath,
} from '../../../model/path.js';
import type { WorkerHost } from '../../../model/name.js';
import type { PageLinks } from '../../../templates/part.js';

/**
 * The runs on a page. The newest page, `index.html`, has 20 to 39, or all if there are fewer. More would be slow: it is
 * rewritten for each job that ends, and a run may have dozens of jobs.
 */
export const runsPerPage = 20;

/** Returns the number of pages of a list with `total` runs. An empty list has one page. */
export function pageCount(total: number): number {
  return Math.max(1, Math.floor(total / runsPerPage));
}

/** Returns the runs of page `page` (1 is the oldest) as a slice of the newest-first list; `end` is exclusive. */
export function pageSlice(total: number, page: number): { readonly start: number; readonly end: number } {
  const end = total - (page - 1) * runsPerPage;
  return { start: page === pageCount(total) ? 0 : end - runsPerPage, end };
}

/** Returns the page that shows the run at `index` of the newest-first list. */
export function pageAt(total: number, index: number): number {
  return Math.min(pageCount(total), Math.floor((total - 1 - index) / runsPerPage) + 1);
}

/**
 * Returns the pages that change when the run at `index` is added or changed and the list grows from `before` to `after`
 * runs: the run's page; if the number of runs changes, all newer pages too, since their runs move; and if the number of
 * pages changes, the page before the newest, since its link to newer runs changes.
 */
export function changedPages(before: number, after: number, index: number): readonly number[] {
  const own = pageAt(after, index);
  if (before === after) return [own];
  const last = pageCount(after);
  const first =
    pageCount(before) === last ? own : Math.min(own, Math.max(1, Math.min(last, pageCount(before)) - 1));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The two lists of a host's runs: grouped by run, and flat with one row per job. */
export type ListKind = 'grouped' | 'flat';

/** Returns the address of page `page` of a list with `total` runs. */
export function listPath(kind: ListKind, host: WorkerHost, total: number, page: number): SitePath {
  const isNewest = page === pageCount(total);
  if (kind === 'flat') return isNewest ? rawIndex(host) : rawIndexPage(host, page);
  return isNewest ? hostIndex(host) : hostIndexPage(host, page);
}

/** Returns the links to the neighboring pages. Old pages do not show the total, which changes with every run. */
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
