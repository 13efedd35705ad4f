/** The site's first page: what is running now, and the newest runs of each host. Pure. */
import { hostIndex, linkBetween, homePage, rawIndex } from '../../../model/path.js';
import { workerHosts } from '../../../model/name.js';
import type { HomeView } from '../../../templates/page.js';
import { renderPageOfFragments } from '../../../templates/template.js';
import { hostWord, instantOf } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';
import { entriesOf } from './run-entry-view.js';
import { frameOf } from './page-frame.js';
import { jobLine, jobStart } from './job-view.js';

const entriesShown = 10;
/** Runs of a host that are shown as running. */
const runsShown = 50;
/** A commit on sourcehut has a handful of jobs, each a run of its own. */
const runsGrouped = 80;

export function renderHome(site: SiteView): Buffer {
  const page = homePage();
  const view: HomeView = {
    frame: { ...frameOf(site, page, site.title), title: site.title },
    running: workerHosts.flatMap((host) =>
      site
        .running(host)
        .slice(0, runsShown)
        .flatMap((run) => run.jobs)
        .filter((job) => job.outcome === 'running')
        .map((job) => ({
          ...jobLine(job, page, { withRun: true }),
          host: hostWord(host),
          start: instantOf(jobStart(job)),
        })),
    ),
    hosts: workerHosts.flatMap((host) => {
      const groups = site.groups(host);
      if (groups.length === 0) return [];
      const newest = groups.slice(0, host === 'sourcehut' ? runsGrouped : entriesShown).flat();
      return [
        {
          name: hostWord(host),
          id: host,
          indexHref: linkBetween(page, hostIndex(host)),
          rawHref: linkBetween(page, rawIndex(host)),
          entries: entriesOf(site, newest, { page, template: 'entry-row' }, entriesShown),
        },
      ];
    }),
  };
  return renderPageOfFragments('home', view);
}
