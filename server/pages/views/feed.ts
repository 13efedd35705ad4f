/** A branch's feed (Atom, RFC 4287): when it began to fail, and when it recovered. Pure. */
import { branchFile, branchKey, commitPage, homePage, linkBetween } from '../../../model/path.js';
import { isGreen, type JobOutcome } from '../../../model/outcome.js';
import type { FeedEntryView } from '../../../templates/page.js';
import { renderPage } from '../../../templates/template.js';
import { countText, markOf, shortCommit, visibleText } from '../../../templates/wording.js';
import type { BranchCommit, SiteView } from '../../state/site-view.js';
import { commitOutcome, isoTime, newestJobs } from './latest-file.js';

/** Commits of the branch that are looked at; a feed is for what is new. */
const maxCommitsSearched = 200;
const maxEntries = 30;

/** Undefined where the branch has no commit. */
export function renderFeed(site: SiteView, branch: string, key: string): string | undefined {
  const groups = site.branchCommits(branch, maxCommitsSearched);
  if (groups.length === 0) return undefined;
  const page = branchFile(key, 'feed.atom');
  const entries = findChanges(groups)
    .slice(0, maxEntries)
    .map((turn) => entryView(turn, { branch, tag: feedId(site.title, key), page }));
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

/** The commits whose end is of another colour than that of the one before, the newest first. The rest says nothing new. */
function findChanges(groups: readonly BranchCommit[]): readonly OutcomeChange[] {
  const turns: OutcomeChange[] = [];
  let wasGreen: boolean | undefined;
  for (const group of [...groups].reverse()) {
    const outcome = commitOutcome(group);
    // A cancelled one says nothing of the commit.
    if (outcome === 'running' || outcome === 'expected' || outcome === 'cancelled') continue;
    const isRecovery = isGreen(outcome);
    // The first commit of all is news only when it failed.
    if (isRecovery !== (wasGreen ?? true)) turns.unshift({ group, outcome, isRecovery });
    wasGreen = isRecovery;
  }
  return turns;
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
  const bad = newestJobs(group).filter((job) => !isGreen(job.outcome));
  const subject = group.runs.find(({ commitLine }) => commitLine !== undefined)?.commitLine;
  const names = [...new Set(bad.map((job) => visibleText(job.address.job)))];
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
 * RFC 4151 wants an authority; a site that may be moved has none of its own, so that the reserved name stands in. The
 * site's title keeps the branches of two projects apart.
 */
const feedId = (title: string, key: string): string =>
  `tag:soil.invalid,2026:${branchKey(title) ?? ''}:${key}`;

const formatTime = (seconds: number | undefined): string => isoTime(seconds) ?? '1970-01-01T00:00:00Z';
