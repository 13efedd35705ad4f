/** The home page: the running jobs, and the newest runs of each host. Pure. */
import { isOwnRun } from '../../../model/run.js';
import { hostIndex, linkBetween, homePage, rawIndex } from '../../../model/path.js';
import { workerHosts } from '../../../model/name.js';
import type { HomeView } from '../../../templates/page.js';
import { renderPageWithFragments } from '../../../templates/template.js';
import { hostWord, instantOf } from '../../../templates/wording.js';
import type { SiteView } from '../../state/site-view.js';
import { renderEntries } from './run-entry-view.js';
import { pageFrame } from './page-frame.js';
import { jobRowView, jobStart } from './job-view.js';

const maxEntries = 10;
/** The maximum number of running runs per host. */
const maxRunningRuns = 50;
/** More than maxEntries, since a sourcehut commit has several jobs, each its own run. */
const maxSourcehutRuns = 80;

export function renderHome(site: SiteView): Buffer {
  const page = homePage();
  const view: HomeView = {
    frame: { ...pageFrame(site, page, site.title), title: site.title },
    running: workerHosts.flatMap((host) =>
      site
        .running(host)
        .slice(0, maxRunningRuns)
        .flatMap((run) => run.jobs)
        .filter((job) => job.outcome === 'running')
        .map((job) => ({
          ...jobRowView(job, page, { withRun: true }),
          host: hostWord(host),
          start: instantOf(jobStart(job)),
        })),
    ),
    hosts: workerHosts.flatMap((host) => {
      // The own runs of tokens are in the lists of their hosts, and do not push other runs off this page.
      const all = site.groups(host);
      const named = all.filter(([{ run }]) => !isOwnRun(run));
      const groups = named.length === 0 ? all : named;
      if (groups.length === 0) return [];
      const newest = groups.slice(0, host === 'sourcehut' ? maxSourcehutRuns : maxEntries).flat();
      return [
        {
          name: hostWord(host),
          id: host,
          indexHref: linkBetween(page, hostIndex(host)),
          rawHref: linkBetween(page, rawIndex(host)),
          entries: renderEntries(site, newest, { page, template: 'entry-row' }, maxEntries),
        },
      ];
    }),
  };
  return renderPageWithFragments('home', view);
}
