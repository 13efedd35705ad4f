/** A branch's feed (Atom, RFC 4287): when it began to fail, and when it recovered. Pure. */
import { branchFile, branchKey, commitPage, homePage, linkBetween } from '../../../model/path.js';
import { isGreen, type JobOutcome } from '../../../model/outcome.js';
import type { FeedEntryView } from '../../../templates/page.js';
import { renderPage } from '../../../templates/template.js';
import { countText, markOf, shortCommit, visibleText } from '../../../templates/wording.js';
import type { BranchCommit, SiteView } from '../../state/site-view.js';
import { groupOutcome, instant, newestJobs } from './latest-file.js';

/** Commits of the branch that are looked at; a feed is for what is new. */
const commitsSearched = 200;
const entriesShown = 30;

/** Undefined where the branch has no commit. */
export function renderFeed(site: SiteView, branch: string, key: string): string | undefined {
  const groups = site.branchCommits(branch, commitsSearched);
  if (groups.length === 0) return undefined;
  const page = branchFile(key, 'feed.atom');
  const entries = turnsOf(groups)
    .slice(0, entriesShown)
    .map((turn) => entryOf(turn, { branch, tag: tagOf(site.title, key), page }));
  return renderPage('feed.atom', {
    title: `${visibleText(branch)} · ${visibleText(site.title)}`,
    id: tagOf(site.title, key),
    updated: entries[0]?.updated ?? atomTime(groups.at(-1)?.time),
    selfHref: linkBetween(page, page),
    homeHref: linkBetween(page, homePage()),
    entries,
  });
}

interface Turn {
  readonly group: BranchCommit;
  readonly outcome: JobOutcome;
  readonly isRecovery: boolean;
}

/** The commits whose end is of another colour than that of the one before, the newest first. The rest says nothing new. */
function turnsOf(groups: readonly BranchCommit[]): readonly Turn[] {
  const turns: Turn[] = [];
  let wasGreen: boolean | undefined;
  for (const group of [...groups].reverse()) {
    const outcome = groupOutcome(group);
    // A cancelled one says nothing of the commit.
    if (outcome === 'running' || outcome === 'expected' || outcome === 'cancelled') continue;
    const isRecovery = isGreen(outcome);
    // The first commit of all is news only when it failed.
    if (isRecovery !== (wasGreen ?? true)) turns.unshift({ group, outcome, isRecovery });
    wasGreen = isRecovery;
  }
  return turns;
}

function entryOf(
  { group, outcome, isRecovery }: Turn,
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
    : `began to fail: ${names.slice(0, 5).join(', ') || markOf(outcome).word}`;
  return {
    id: `${tag}:${group.commit}:${isRecovery ? 'recovered' : 'failed'}`,
    title: `${visibleText(branch)} ${what}`,
    updated: atomTime(group.time),
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
const tagOf = (title: string, key: string): string =>
  `tag:soil.invalid,2026:${branchKey(title) ?? ''}:${key}`;

const atomTime = (seconds: number | undefined): string => instant(seconds) ?? '1970-01-01T00:00:00Z';
