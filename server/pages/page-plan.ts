/** Which files a site's pages are, and which of them a change touches: path -> how its bytes are made. */
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
import {
  changedPages,
  hostIndexPages,
  hostIndexPath,
  rawIndexPages,
  rawIndexPath,
  renderCommit,
  renderHome,
  renderHostIndex,
  renderRawIndex,
  renderRemovedRun,
  renderRun,
} from './views/site-pages.js';
import type { JobDetails } from '../store/job-details.js';

/** A file of the site. `render` is called when it is to be written; undefined: there is to be no such file. */
export interface PlannedPage {
  readonly path: SitePath;
  readonly render: () => string | Buffer | undefined;
}

export interface PlanSource {
  readonly state: SiteState;
  readonly details: ReadDetails;
}

/** How many runs the list of each host has. */
export type ListTotals = ReadonlyMap<WorkerHost, number>;

export const listTotals = (state: SiteState): ListTotals =>
  new Map(workerHosts.map((host) => [host, state.groups(host).length]));

/**
 * What stands under names that stay: of branches and of jobs. It follows a little later than the pages of a run, since
 * who waits for those does not wait for it.
 */
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

/** Every page of the site, the most particular first, so that no list links to what is not there yet. */
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

/** The pages that show a change. `before`: the lists as they were when their pages were last written. */
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
      const arrived = (state.run(folder)?.jobs ?? []).filter((job) => job.summary !== undefined);
      const read = arrived.map(({ address }): [JobName, JobDetails] => [address.job, details(address)]);
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

/** A list may become longer until its page is made: the newest page is then another one, and keeps its address. */
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
        const isThere = here <= count && (isNewest || here < count);
        return isThere ? render(state, host, here) : undefined;
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
