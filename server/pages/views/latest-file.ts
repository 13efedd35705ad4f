/** `latest.json` and `latest-green.json` of a branch: its newest commit, or the newest that passed whole, for programs. Pure. */
import { branchFile, commitPage, jobFile, linkBetween, runPage, type SitePath } from '../../../model/path.js';
import { foldJobs, isGreen, type JobOutcome } from '../../../model/outcome.js';
import type { BranchCommit, Job, SiteView } from '../../state/site-view.js';
import { newestOutcomes } from './run-entry-view.js';
import { jobStart } from './job-view.js';

/** Another one where a key changes its meaning. */
const schema = 1;
/** Commits of a branch that are looked through for one that passed. */
export const commitsSearched = 1000;

/** Undefined where the branch has no commit. */
export function renderLatest(site: SiteView, branch: string, key: string): string | undefined {
  const [newest] = site.branchCommits(branch, 1);
  return newest && commitJson(branchFile(key, 'latest.json'), { branch, newest });
}

/** Undefined where none of the branch's commits passed. */
export function renderLatestGreen(site: SiteView, branch: string, key: string): string | undefined {
  const newest = site.branchCommits(branch, commitsSearched).find((group) => isGreen(commitOutcome(group)));
  return newest && commitJson(branchFile(key, 'latest-green.json'), { branch, newest });
}

/** The newest attempt of each job decides; a job that is expected and has not come is not green. */
export const commitOutcome = (group: BranchCommit): JobOutcome => foldJobs(newestOutcomes(allJobs(group)));

/** Every job of the commit on its branch, those of the newest run and attempt first. */
const allJobs = ({ runs }: BranchCommit): readonly Job[] => runs.flatMap((run) => run.jobs);

/** Of jobs with the same name on the same host the newest, which is the one that counts. */
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

export const isoTime = (seconds: number | undefined): string | undefined =>
  seconds === undefined || seconds === 0 ? undefined : new Date(seconds * 1000).toISOString();
