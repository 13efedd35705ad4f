/** The page of a dry run: the effect of pruning on each run, and the rule or pin that causes it. Pure. */
import { linkBetween, runPage, webFile, homePage, type SitePath } from '../../model/path.js';
import { workerHosts } from '../../model/name.js';
import { textFact, timeFact } from '../../templates/fact.js';
import type { Fact } from '../../templates/part.js';
import type { RetentionView } from '../../templates/page.js';
import { renderPage } from '../../templates/template.js';
import {
  bytesText,
  countText,
  hostWord,
  instantOf,
  markOf,
  shortCommit,
  visibleText,
} from '../../templates/wording.js';
import type { SiteRun } from './prunable-run.js';
import type { Verdict } from './prune-plan.js';
import { ageText, tiers, type RetentionPolicy, type TierLimits } from '../config/retention-policy.js';
import { runLabel } from '../pages/views/job-view.js';

export interface RetentionPage {
  readonly title: string;
  /** path from the page to the site's folder, with a trailing slash; empty if the page is in that folder */
  readonly toSite: string;
  readonly policy: RetentionPolicy;
  /** seconds since 1970, UTC */
  readonly now: number;
}

export function renderRetention(
  verdicts: readonly Verdict<SiteRun>[],
  { title, toSite, policy, now }: RetentionPage,
): string {
  const link = (path: SitePath): string => toSite + linkBetween(homePage(), path);
  const view: RetentionView = {
    frame: {
      title: `Retention · ${title}`,
      siteTitle: title,
      homeHref: link(homePage()),
      styleHref: link(webFile('style.css')),
      iconHref: link(webFile('icon.svg')),
      feedHref: undefined,
      crumbs: [{ text: 'Retention', href: undefined }],
    },
    heading: 'What pruning would remove',
    summary: summarize(verdicts),
    limits: [...timeFact('Planned', now), ...tiers.map((tier) => limitFact(tier, policy.limits[tier]))],
    hosts: workerHosts
      .map((host) => ({
        name: hostWord(host),
        id: host,
        runs: verdicts.filter(({ run }) => run.host === host).map((verdict) => runRow(verdict, link)),
      }))
      .filter(({ runs }) => runs.length > 0),
  };
  return renderPage('retention', view);
}

/** Returns one line: `3 of 40 runs would be removed, 12 would lose wwz files: 1.2 GB`. */
export function summarize(verdicts: readonly Verdict[]): string {
  const removed = verdicts.filter(({ tier }) => tier === 'run');
  const stripped = verdicts.filter(({ tier }) => tier === 'wwz');
  const bytes = [...removed, ...stripped].reduce(
    (sum, { run, tier }) => sum + run.bytes.wwz + (tier === 'run' ? run.bytes.run : 0),
    0,
  );
  const total = countText(verdicts.length, 'run');
  const effects = `${removed.length} of ${total} would be removed, ${stripped.length} would lose wwz files`;
  return `${effects}: ${bytesText(bytes)}`;
}

function limitFact(tier: 'wwz' | 'run', { newest, ageSeconds, bytes }: TierLimits): Fact {
  const limits = [
    ...(newest === undefined ? [] : [`the newest ${newest} of each host`]),
    ...(ageSeconds === undefined ? [] : [ageText(ageSeconds)]),
    ...(bytes === undefined ? [] : [bytesText(bytes)]),
  ];
  const name = tier === 'wwz' ? 'wwz files kept' : 'Runs kept';
  return textFact(name, limits.length === 0 ? 'forever' : limits.join(', '));
}

function runRow({ run, tier, rule, pin }: Verdict<SiteRun>, link: (path: SitePath) => string) {
  const [newest] = run.folders;
  const bytes = run.bytes.wwz + run.bytes.run;
  const [commit] = run.commits;
  const label =
    run.host === 'sourcehut' && commit !== undefined
      ? `Commit ${shortCommit(commit)}`
      : newest && runLabel({ ...newest.folder, name: newest.run as typeof newest.folder.name });
  return {
    mark: markOf(run.outcome),
    label: { text: label ?? run.run, href: newest && link(runPage(newest.folder)) },
    branch: run.branch === undefined ? undefined : visibleText(run.branch),
    start: instantOf(run.time),
    size: bytesText(bytes),
    ...effectOf(tier),
    reason: explain(rule, pin),
  };
}

function effectOf(tier: 'wwz' | 'run' | undefined): { readonly effect: string; readonly css: string } {
  switch (tier) {
    case 'run':
      return { effect: 'removed', css: 'fate goes' };
    case 'wwz':
      return { effect: 'loses wwz files', css: 'fate' };
    case undefined:
      return { effect: 'kept', css: 'fate stays' };
  }
}

function explain(rule: string | undefined, pin: string | undefined): string | undefined {
  if (pin === undefined) return rule && visibleText(rule);
  return visibleText(rule === undefined ? pin : `${pin}, although ${rule}`);
}
