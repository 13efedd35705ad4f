/** Which runs stand on which page of a long list. Pure arithmetic; pages count from the oldest, so old ones are stable. */

/**
 * A full page. The newest page, `index.html`, holds 20 to 39 runs (or all, while there are fewer): never only one. It is
 * written anew for each job that ends, and a run may have dozens of jobs.
 */
export const runsPerPage = 20;

/** How many pages a list of `total` runs has: at least 1, since an empty list has a page that says so. */
export function pageCount(total: number): number {
  return Math.max(1, Math.floor(total / runsPerPage));
}

/** The runs of page `page` (1 is the oldest) as a slice of the newest-first list: `start` to before `end`. */
export function pageSlice(total: number, page: number): { readonly start: number; readonly end: number } {
  const end = total - (page - 1) * runsPerPage;
  return { start: page === pageCount(total) ? 0 : end - runsPerPage, end };
}

/** The page that shows the run at `index` of the newest-first list. */
export function pageAt(total: number, index: number): number {
  return Math.min(pageCount(total), Math.floor((total - 1 - index) / runsPerPage) + 1);
}

/**
 * The pages that change when the run at `index` came or changed, and the list went from `before` to `after` runs: its
 * own page; when runs were added or taken away, all newer ones, since runs move along; and when a page was added or
 * removed, the one before the newest, whose link to newer runs turns.
 */
export function changedPages(before: number, after: number, index: number): readonly number[] {
  const own = pageAt(after, index);
  if (before === after) return [own];
  const last = pageCount(after);
  const first =
    pageCount(before) === last ? own : Math.min(own, Math.max(1, Math.min(last, pageCount(before)) - 1));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
