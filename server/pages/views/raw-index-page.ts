/** A host's flat list: one row per job, for skimming and for text tools. Pure. */
import type { WorkerHost } from '../../../model/name.js';
import { hostIndex, linkBetween, runPage, type SitePath } from '../../../model/path.js';
import type { Fragment } from '../../../templates/fragment.js';
import type { RawRowView } from '../../../templates/part.js';
import { renderFragment, renderPageWithFragments } from '../../../templates/template.js';
import { hostWord, instantOf, visibleText } from '../../../templates/wording.js';
import type { Job, Run, SiteView } from '../../state/site-view.js';
import { commitLink } from './run-entry-view.js';
import { FragmentCache } from './fragment-cache.js';
import { pageFrame, hostCrumb } from './page-frame.js';
import { jobRowView, jobStart } from './job-view.js';
import { listPath, pageCount, pageLinks, pageSlice } from './paging.js';

/** Returns the number of pages. The last one, `raw.html`, has the newest runs. */
export const rawIndexPages = (site: SiteView, host: WorkerHost): number =>
  pageCount(site.groups(host).length);

/** Returns the address of page `page`. */
export const rawIndexPath = (site: SiteView, host: WorkerHost, page: number): SitePath =>
  listPath('flat', host, site.groups(host).length, page);

/** Renders page `page`; 1 is the oldest. */
export function renderRawIndex(site: SiteView, host: WorkerHost, page: number): Buffer {
  const runs = site.groups(host);
  const here = rawIndexPath(site, host, page);
  const { start, end } = pageSlice(runs.length, page);
  const isNewest = page === pageCount(runs.length);
  const above = hostCrumb(here, host);
  return renderPageWithFragments('raw-index', {
    frame: pageFrame(site, here, isNewest ? 'Flat list' : `Flat list, page ${page}`, [above]),
    heading: `${hostWord(host)}, flat list`,
    otherList: { text: 'Grouped by run', href: linkBetween(here, hostIndex(host)) },
    rows: runs
      .slice(start, end)
      .flat()
      .map((run) => renderRows(run, here)),
    pages: pageLinks('flat', host, runs.length, page),
  });
}

const rowCache = new FragmentCache();

/** Cached: all flat lists of a host are in one folder, so their links to a job are the same. */
const renderRows = (run: Run, page: SitePath): Fragment =>
  rowCache.get(run, [], () =>
    renderFragment('raw-rows', { lines: run.jobs.map((job) => rawRowView(run, job, page)) }),
  );

function rawRowView(run: Run, job: Job, page: SitePath): RawRowView {
  const { mark, name, href, zip, tsvHref, jsonHref } = jobRowView(job, page, { withRun: false });
  return {
    start: instantOf(jobStart(job)),
    mark,
    run: { text: run.folder.name, href: linkBetween(page, runPage(run.folder)) },
    job: { text: name, href },
    commit: commitLink(run, page),
    branch: visibleText(run.branch ?? ''),
    subject: visibleText(run.commitLine ?? ''),
    zip,
    tsvHref,
    jsonHref,
  };
}
