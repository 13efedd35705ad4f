/** Plans the page files of a site: all of them, or those that a change affects. */
import { workerHosts, type CommitHash, type JobName, type WorkerHost } from '../../model/name.js';
import {
  branchFile,
  branchJobBadge,
  branchKey,
  commitPage,
  historyFile,
  historyPage,
  homePage,
  runPage,
  type SitePath,
} from '../../model/path.js';
import type { RunFolder } from '../../model/run.js';
import { webAssets } from '../../templates/asset.js';
import type { ReadDetails } from '../store/job-details-cache.js';
import type { PageChanges } from '../state/page-changes.js';
import type { SiteState } from '../state/site-state.js';
import { renderBranchBadge, renderJobBadge } from './views/badge.js';
import { renderFeed } from './views/feed.js';
import { renderHistoryFile, renderHistoryPage } from './views/history-page.js';
import { renderLatest, renderLatestGreen } from './views/latest-file.js';
import { renderCommit } from './views/commit-page.js';
import { renderHome } from './views/home-page.js';
import { hostIndexPages, hostIndexPath, renderHostIndex } from './views/host-index-page.js';
import { changedPages } from './views/paging.js';
import { rawIndexPages, rawIndexPath, renderRawIndex } from './views/raw-index-page.js';
import { renderRemovedRun } from './views/removed-run-page.js';
import { renderRun } from './views/run-page.js';
import type { JobDetails } from '../store/stored-job.js';

/** A file of the site. `render` returns its content, or undefined if the file must not exist. */
export interface PlannedPage {
  readonly path: SitePath;
  readonly render: () => string | Buffer | undefined;
}

export interface PlanSource {
  readonly state: SiteState;
  readonly details: ReadDetails;
}

/** The number of runs in the list of each host. */
export type ListTotals = ReadonlyMap<WorkerHost, number>;

export const listTotals = (state: SiteState): ListTotals =>
  new Map(workerHosts.map((host) => [host, state.groups(host).length]));

/** Plans the files at stable URLs of branches and jobs. They are written a little later than the pages of a run. */
export function planStableUrls(
  { state, details }: PlanSource,
  { branches, jobs }: Pick<PageChanges, 'branches' | 'jobs'>,
): readonly PlannedPage[] {
  const plan: PlannedPage[] = [];
  for (const branch of branches) {
    const key = branchKey(branch);
    if (key === undefined) continue;
    const add = (name: Parameters<typeof branchFile>[1], render: PlannedPage['render']): void => {
      plan.push({ path: branchFile(key, name), render });
    };
    add('latest.json', () => renderLatest(state, branch, key));
    add('latest-green.json', () => renderLatestGreen(state, branch, key));
    add('badge.svg', () => renderBranchBadge(state, branch));
    add('feed.atom', () => renderFeed(state, branch, key));
    for (const job of jobs) {
      plan.push(planJobBadge({ state, details }, { branch, key, job }));
    }
  }
  for (const job of jobs) {
    plan.push({ path: historyFile(job), render: () => renderHistoryFile(state, job, details) });
    plan.push({ path: historyPage(job), render: () => renderHistoryPage(state, job, details) });
  }
  return plan;
}

/** Plans every page of the site. Lists are last, so that they never link to a page that does not exist yet. */
export function* planAll(source: PlanSource): Generator<PlannedPage> {
  const { state } = source;
  for (const { path, bytes } of webAssets()) {
    yield { path, render: () => bytes };
  }
  for (const host of workerHosts) {
    for (const run of state.groups(host).flat()) yield planRun(source, run.folder);
  }
  for (const { folder, removed } of state.entries()) {
    if (removed !== undefined) yield planRun(source, folder);
  }
  for (const commit of state.commits()) yield* planCommit(source, commit);
  for (const branch of state.branches()) {
    yield* planStableUrls(source, { branches: [branch], jobs: [] });
    const key = branchKey(branch);
    if (key === undefined) continue;
    for (const job of state.jobs(branch)) yield planJobBadge(source, { branch, key, job });
  }
  yield* planStableUrls(source, { branches: [], jobs: state.jobs() });
  for (const host of workerHosts) {
    for (let page = 1; page <= hostIndexPages(state, host); page++) yield* planLists(source, host, page);
  }
  yield planHome(source);
}

/** Plans the pages that show a change. `before`: the lists when their pages were last written. */
export function planChange(
  source: PlanSource,
  { folders, commits, reordered }: PageChanges,
  before: ListTotals,
): readonly PlannedPage[] {
  const { state } = source;
  const now = listTotals(state);
  const lists = new Map<WorkerHost, Set<number>>();
  const touch = (host: WorkerHost, pages: Iterable<number>): void => {
    lists.set(host, new Set([...(lists.get(host) ?? []), ...pages]));
  };
  for (const folder of folders) {
    const run = state.run(folder);
    if (run === undefined) continue;
    const { host } = folder;
    touch(host, changedPages(before.get(host) ?? 0, now.get(host) ?? 0, state.list(host).position(run)));
  }
  for (const host of reordered) {
    touch(
      host,
      Array.from({ length: hostIndexPages(state, host) }, (_, index) => index + 1),
    );
  }
  return [
    ...folders.map((folder) => planRun(source, folder)),
    ...commits.flatMap((commit) => [...planCommit(source, commit)]),
    ...[...lists].flatMap(([host, pages]) =>
      [...pages].flatMap((page) => [...planLists(source, host, page)]),
    ),
    planHome(source),
  ];
}

const planJobBadge = (
  { state }: PlanSource,
  { branch, key, job }: { readonly branch: string; readonly key: string; readonly job: JobName },
): PlannedPage => ({
  path: branchJobBadge(key, job),
  render: () => renderJobBadge(state, branch, job),
});

function planRun({ state, details }: PlanSource, folder: RunFolder): PlannedPage {
  return {
    path: runPage(folder),
    render: () => {
      const removal = state.removal(folder);
      if (removal !== undefined) return renderRemovedRun(state, removal);
      const recorded = (state.run(folder)?.jobs ?? []).filter((job) => job.summary !== undefined);
      const read = recorded.map(({ address }): [JobName, JobDetails] => [address.job, details(address)]);
      return renderRun(state, folder, new Map(read));
    },
  };
}

function* planCommit({ state }: PlanSource, commit: CommitHash): Generator<PlannedPage> {
  for (const host of workerHosts) {
    const render = () =>
      state.hostsOfCommit(commit).includes(host) ? renderCommit(state, host, commit) : undefined;
    yield { path: commitPage(host, commit), render };
  }
}

/** Plans a page of a host's lists. If the list grows before the page is rendered, the newest page keeps its path. */
function* planLists({ state }: PlanSource, host: WorkerHost, page: number): Generator<PlannedPage> {
  const plan = (
    pages: typeof hostIndexPages,
    path: typeof hostIndexPath,
    render: typeof renderHostIndex,
  ): PlannedPage => {
    const isNewest = page === pages(state, host);
    return {
      path: path(state, host, page),
      render: () => {
        const count = pages(state, host);
        const here = isNewest ? count : page;
        const exists = here <= count && (isNewest || here < count);
        return exists ? render(state, host, here) : undefined;
      },
    };
  };
  yield plan(hostIndexPages, hostIndexPath, renderHostIndex);
  yield plan(rawIndexPages, rawIndexPath, renderRawIndex);
}

const planHome = ({ state }: PlanSource): PlannedPage => ({
  path: homePage(),
  render: () => renderHome(state),
});
