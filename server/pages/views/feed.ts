/** The Atom feed of a branch (RFC 4287): its failures and recoveries. Pure. */
import { branchFile, branchKey, commitPage, homePage, linkBetween } from '../../../model/path.js';
import { isGreen, type JobOutcome } from '../../../model/outcome.js';
import type { FeedEntryView } from '../../../templates/page.js';
import { renderPage } from '../../../templates/template.js';
import { countText, markOf, shortCommit, visibleText } from '../../../templates/wording.js';
import type { BranchCommit, SiteView } from '../../state/site-view.js';
import { commitOutcome, isoTime, newestJobs } from './latest-file.js';

/** How many commits of the branch to search; a feed is for news. */
const maxCommitsSearched = 200;
const maxEntries = 30;

/** Returns undefined if the branch has no commit. */
export function renderFeed(site: SiteView, branch: string, key: string): string | undefined {
  const groups = site.branchCommits(branch, maxCommitsSearched);
  if (groups.length === 0) return undefined;
  const page = branchFile(key, 'feed.atom');
  const entries = findChanges(groups)
    .slice(0, maxEntries)
    .map((change) => entryView(change, { branch, tag: feedId(site.title, key), page }));
  return renderPage('feed.atom', {
    title: `${visibleText(branch)} · ${visibleText(site.title)}`,
    id: feedId(site.title, key),
    updated: entries[0]?.updated ?? formatTime(groups.at(-1)?.time),
    selfHref: linkBetween(page, page),
    homeHref: linkBetween(page, homePage()),
    entries,
  });
}

interface OutcomeChange {
  readonly group: BranchCommit;
  readonly outcome: JobOutcome;
  readonly isRecovery: boolean;
}

/** Finds the commits that failed after a green one, and those that recovered. Newest first. */
function findChanges(groups: readonly BranchCommit[]): readonly OutcomeChange[] {
  const changes: OutcomeChange[] = [];
  let wasGreen: boolean | undefined;
  for (const group of [...groups].reverse()) {
    const outcome = commitOutcome(group);
    // A cancelled run says nothing about the commit.
    if (outcome === 'running' || outcome === 'expected' || outcome === 'cancelled') continue;
    const isRecovery = isGreen(outcome);
    // The first commit is only news if it failed.
    if (isRecovery !== (wasGreen ?? true)) changes.unshift({ group, outcome, isRecovery });
    wasGreen = isRecovery;
  }
  return changes;
}

function entryView(
  { group, outcome, isRecovery }: OutcomeChange,
  {
    branch,
    tag,
    page,
  }: { readonly branch: string; readonly tag: string; readonly page: ReturnType<typeof branchFile> },
): FeedEntryView {
  const [run] = group.runs;
  const failed = newestJobs(group).filter((job) => !isGreen(job.outcome));
  const subject = group.runs.find(({ commitLine }) => commitLine !== undefined)?.commitLine;
  const names = [...new Set(failed.map((job) => visibleText(job.address.job)))];
  const what = isRecovery
    ? 'recovered'
    : `started failing: ${names.slice(0, 5).join(', ') || markOf(outcome).word}`;
  return {
    id: `${tag}:${group.commit}:${isRecovery ? 'recovered' : 'failed'}`,
    title: `${visibleText(branch)} ${what}`,
    updated: formatTime(group.time),
    href: linkBetween(page, commitPage(run.folder.host, group.commit)),
    summary: [
      `Commit ${shortCommit(group.commit)}`,
      ...(subject === undefined ? [] : [visibleText(subject)]),
      ...(isRecovery ? [] : [`${countText(names.length, 'job')} not green: ${names.join(', ')}`]),
    ].join('. '),
  };
}

/**
 * Returns a tag URI, which requires an authority (RFC 4151). A site has no authority of its own, since it may move, so
 * this uses a reserved name. The site's title distinguishes the branches of two projects.
 */
const feedId = (title: string, key: string): string =>
  `tag:soil.invalid,2026:${branchKey(title) ?? ''}:${key}`;

const formatTime = (seconds: number | undefined): string => isoTime(seconds) ?? '1970-01-01T00:00:00Z';
