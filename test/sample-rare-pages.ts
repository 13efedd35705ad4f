/** Renders the rarer pages: retention, a removed run, a list of projects, a folder in a wwz, and a missing file. */
import { parseCommitHash, parseJobName, parseRunId } from '../model/name.js';
import { runPage } from '../model/path.js';
import { valueOf } from '../model/result.js';
import type { SiteRun } from '../server/retention/prunable-run.js';
import type { Verdict } from '../server/retention/prune-plan.js';
import type { Removal } from '../server/store/removal-entry.js';
import { keepsAll } from '../server/config/retention-policy.js';
import { isPullRequest } from '../server/state/site-view.js';
import { renderNotFound } from '../server/pages/views/not-found-page.js';
import { renderProjects } from '../server/pages/views/projects-page.js';
import { renderRemovedRun } from '../server/pages/views/removed-run-page.js';
import { renderRetention } from '../server/retention/retention-page.js';
import { renderWwzListing } from '../server/pages/views/wwz-listing.js';
import { noon } from './sample-job.js';
import { hostileBranch, hostileSubject, type SampleSite } from './sample-site.js';

const removedFolder = { host: 'github' as const, name: valueOf(parseRunId('1001-2')) };
const rule = 'not among the newest 40 runs on GitHub';

/** Returns HTML by path. The paths are those that a browser would see; the list of projects is on another server. */
export function rarePages(site: SampleSite): ReadonlyMap<string, string> {
  const absent = (path: string, isRemoved: boolean): [string, string] => {
    const message = isRemoved
      ? `cannot serve "${path}": it was removed on 2026-01-14, since its run was ${rule}`
      : `cannot find "/${path}": no such file in the site`;
    return [path, renderNotFound({ rawPath: `/${path}`, message, isRemoved })];
  };
  const wwzPath = 'github-jobs/1234/cpp-small.wwz';
  const folder = { folders: ['größe', '<i>'], files: ['a b.txt', 'c:d.html', '.hidden'] };
  return new Map<string, string>([
    ['retention.html', retentionPage(site)],
    [runPage(removedFolder), renderRemovedRun(site, removal)],
    ['projects.html', renderProjects({ title: 'Our <projects>', projects })],
    [`${wwzPath}/_test/`, renderWwzListing({ wwzPath, inside: '_test/', folder })],
    absent('github-jobs/9999/nothing.html', false),
    absent('github-jobs/1001-2/cpp-small.wwz/index.html', true),
  ]);
}

const projects = [
  { prefix: '/team/website', title: hostileSubject },
  { prefix: '/oils', title: 'Oils for Unix' },
];

const removal: Removal = {
  ...{ kind: 'removed', time: noon + 86_400, folder: removedFolder, tier: 'run', rule },
  run: {
    commit: valueOf(parseCommitHash('77aa77aa00112233445566778899aabbccddeeff')),
    ...{ commitLine: hostileSubject, branch: hostileBranch, startTime: noon - 9e6 },
  },
  jobs: [
    { job: valueOf(parseJobName('cpp-small')), outcome: 'passed', wwzBytes: 220_400 },
    { job: valueOf(parseJobName('dev-minimal')), outcome: 'failed', wwzBytes: 12_400_000 },
    { job: valueOf(parseJobName('wild')), outcome: 'lost' },
  ],
};

function retentionPage(site: SampleSite): string {
  const verdicts = site.groups('github').flatMap((folders, index): readonly Verdict<SiteRun>[] => {
    const [newest] = folders;
    const { folder, run, outcome, branch, startTime, commit } = newest;
    const siteRun: SiteRun = {
      ...{ host: folder.host, arrival: 0, run, names: [run], folders, outcome, isUnfinished: false },
      ...(branch !== undefined && !isPullRequest(newest) && { branch }),
      ...(startTime !== undefined && { time: startTime }),
      commits: commit === undefined ? [] : [commit],
      bytes: { wwz: 220_400 * (index + 1), run: 4_100 },
      artifactBytes: new Map(),
    };
    const ends: readonly Omit<Verdict, 'run'>[] = [
      { tier: undefined, rule: undefined, pin: 'the newest run on GitHub' },
      { tier: 'wwz', rule: 'older than 3 days', pin: undefined },
      { tier: 'run', rule, pin: undefined },
      { tier: undefined, rule, pin: `the newest green run of ${hostileBranch}` },
    ];
    return [{ run: siteRun, ...(ends[index] ?? { tier: undefined, rule: undefined, pin: undefined }) }];
  });
  const limits = { wwz: { newest: 20, ageSeconds: 3 * 86_400, bytes: 200e9 }, run: {} };
  return renderRetention(verdicts, {
    ...{ title: site.title, toSite: '', now: noon, policy: { ...keepsAll, limits } },
  });
}
