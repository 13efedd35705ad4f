/** `latest.json` and `latest-green.json` of a branch: its newest commit, and its newest green commit. Pure. */
import { branchFile, commitPage, jobFile, linkBetween, runPage, type SitePath } from '../../../model/path.js';
import { foldJobs, isGreen, type JobOutcome } from '../../../model/outcome.js';
import type { BranchCommit, Job, SiteView } from '../../state/site-view.js';
import { newestOutcomes } from './run-entry-view.js';
import { jobStart } from './job-view.js';

/** Increased when a key changes its meaning. */
const schema = 1;
/** How many commits of a branch to search for a green one. */
export const commitsSearched = 1000;

/** Returns undefined if the branch has no commit. */
export function renderLatest(site: SiteView, branch: string, key: string): string | undefined {
  const [newest] = site.branchCommits(branch, 1);
  return newest && commitJson(branchFile(key, 'latest.json'), { branch, newest });
}

/** Returns undefined if none of the branch's newest commits is green. */
export function renderLatestGreen(site: SiteView, branch: string, key: string): string | undefined {
  const newest = site.branchCommits(branch, commitsSearched).find((group) => isGreen(commitOutcome(group)));
  return newest && commitJson(branchFile(key, 'latest-green.json'), { branch, newest });
}

/**
 * Returns the outcome of a commit: the newest attempt of each job counts. A job that is still expected is not green.
 */
export const commitOutcome = (group: BranchCommit): JobOutcome => foldJobs(newestOutcomes(allJobs(group)));

/** Returns the commit's jobs on its branch, those of the newest run and attempt first. */
const allJobs = ({ runs }: BranchCommit): readonly Job[] => runs.flatMap((run) => run.jobs);

/** Returns the newest job of each name and host. */
export function newestJobs(group: BranchCommit): readonly Job[] {
  const seen = new Set<string>();
  return allJobs(group).filter(({ address: { host, job } }) => {
    const isNew = !seen.has(`${host} ${job}`);
    seen.add(`${host} ${job}`);
    return isNew;
  });
}

function commitJson(
  page: SitePath,
  { branch, newest }: { readonly branch: string; readonly newest: BranchCommit },
): string {
  const [first] = newest.runs;
  const json = {
    schema,
    branch,
    commit: newest.commit,
    commitLine: newest.runs.find((run) => run.commitLine !== undefined)?.commitLine,
    outcome: commitOutcome(newest),
    startTime: isoTime(newest.time),
    page: linkBetween(page, commitPage(first.folder.host, newest.commit)),
    jobs: newestJobs(newest).map((job) => jobJson(page, job)),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function jobJson(page: SitePath, job: Job): object {
  const { address, summary, outcome } = job;
  const link = (suffix: 'json' | 'tsv' | 'wwz'): string => linkBetween(page, jobFile(address, suffix));
  return {
    host: address.host,
    run: address.name,
    job: address.job,
    outcome,
    status: summary?.status,
    startTime: isoTime(jobStart(job)),
    elapsedSeconds: summary?.seconds,
    page: linkBetween(page, runPage(address)),
    json: summary && link('json'),
    tsv: summary && link('tsv'),
    wwz: summary?.wwzBytes === undefined ? undefined : link('wwz'),
  };
}

/** Formats seconds since 1970 as ISO 8601; undefined for 0, which means unknown. */
export const isoTime = (seconds: number | undefined): string | undefined =>
  seconds === undefined || seconds === 0 ? undefined : new Date(seconds * 1000).toISOString();
