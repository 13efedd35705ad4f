/** The page of a commit: its jobs on every host, and its artifacts. Pure. */
import { commitArtifactFolder, commitPage, type SitePath } from '../../../model/path.js';
import { workerHosts, type CommitHash, type WorkerHost } from '../../../model/name.js';
import { foldJobs } from '../../../model/outcome.js';
import type { Fragment } from '../../../templates/fragment.js';
import { renderFragment, renderPageWithFragments } from '../../../templates/template.js';
import {
  hostWord,
  markOf,
  outcomesBySeverity,
  shortCommit,
  visibleText,
} from '../../../templates/wording.js';
import type { Job, SiteView } from '../../state/site-view.js';
import { firstDefined, newestOutcomes } from './run-entry-view.js';
import { commitFacts } from './fact-list.js';
import { FragmentCache } from './fragment-cache.js';
import { pageFrame, hostCrumb } from './page-frame.js';
import { fileLink, jobRowView } from './job-view.js';

/** Renders the commit's page in the folder of `host`. Every host has the same content with other links. */
export function renderCommit(site: SiteView, host: WorkerHost, commit: CommitHash): Buffer {
  const page = commitPage(host, commit);
  const jobs = site.jobsOfCommit(commit);
  const subject = firstDefined(jobs, (job) => job.summary?.origin.commitLine);
  const mark = markOf(foldJobs(newestOutcomes(jobs)));
  const name = `Commit ${shortCommit(commit)}`;
  return renderPageWithFragments('commit', {
    frame: pageFrame(site, page, name, [hostCrumb(page, host)], mark),
    heading: name,
    mark,
    subject: subject === undefined ? undefined : visibleText(subject),
    facts: commitFacts(commit, jobs),
    hosts: workerHosts.flatMap((h) => {
      const here = jobs.filter((job) => job.address.host === h);
      if (here.length === 0) return [];
      return [{ name: hostWord(h), id: h, jobs: sortJobs(here).map((job) => jobRow(job, page, host)) }];
    }),
    artifacts: workerHosts.flatMap((h) => {
      const files = site.artifacts(h, commit);
      if (files.length === 0) return [];
      const folder = commitArtifactFolder(h, commit);
      return [{ host: hostWord(h), files: files.map((file) => fileLink(page, `${folder}/${file}`, file)) }];
    }),
  });
}

/** Sorts by run, newest first as in `jobs`, then by outcome, most severe first. */
function sortJobs(jobs: readonly Job[]): readonly Job[] {
  const runs = new Map(
    [...new Set(jobs.map(({ address }) => address.name))].map((name, index) => [name, index]),
  );
  const rankOf = ({ address: { name }, outcome }: Job): number =>
    (runs.get(name) ?? 0) * outcomesBySeverity.length + outcomesBySeverity.indexOf(outcome);
  return [...jobs].sort((a, b) => rankOf(a) - rankOf(b));
}

const rowCaches = { github: new FragmentCache(), sourcehut: new FragmentCache(), local: new FragmentCache() };

/** Cached by host: all commit pages in a host's folder link to a job in the same way. */
const jobRow = (job: Job, page: SitePath, host: WorkerHost): Fragment =>
  rowCaches[host].get(job, [], () => renderFragment('job-row', jobRowView(job, page, { withRun: true })));
