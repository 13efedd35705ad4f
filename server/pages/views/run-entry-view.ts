/** Renders the entries of a list of runs. On sourcehut, where each job is its own run, an entry is a commit. Pure. */
import { commitPage, linkBetween, runPage, type SitePath } from '../../../model/path.js';
import { foldJobs, type JobOutcome } from '../../../model/outcome.js';
import type { Fragment } from '../../../templates/fragment.js';
import type { RunEntryView, JobGroup, Link, PullRequestView } from '../../../templates/part.js';
import { renderFragment } from '../../../templates/template.js';
import {
  durationText,
  instantOf,
  markOf,
  outcomesBySeverity,
  shortCommit,
  visibleText,
} from '../../../templates/wording.js';
import type { Job, Run, SiteView } from '../../state/site-view.js';
import { FragmentCache } from './fragment-cache.js';
import { jobHref, jobStart, pullRequestUrl, runLabel } from './job-view.js';

const caches = { entry: new FragmentCache(), 'entry-row': new FragmentCache() };

/** The page that lists the entries, and their template. Each template is only used for pages of one folder. */
export interface EntryOptions {
  readonly page: SitePath;
  readonly template: keyof typeof caches;
}

/** Renders at most `limit` entries, in the order of `runs`. A sourcehut commit is placed where its newest job is. */
export function renderEntries(
  site: SiteView,
  runs: readonly Run[],
  { page, template }: EntryOptions,
  limit = Infinity,
): readonly Fragment[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    // The jobs of two commits with the same date may be interleaved, so group by hash.
    const key =
      run.folder.host === 'sourcehut' && run.commit !== undefined ? run.commit : `run ${run.folder.name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].slice(0, limit).flatMap((group) => {
    const [newest] = group;
    if (newest === undefined) return [];
    const earlier = earlierAttempts(site, newest);
    const parts = [...group, ...earlier.map(({ folder }) => folder)];
    const render = () => renderFragment(template, entryView(group, earlier, page));
    return [caches[template].get(newest, parts, render)];
  });
}

function entryView(runs: readonly Run[], earlier: readonly Run[], page: SitePath): RunEntryView {
  const [newest] = runs;
  if (newest === undefined) throw new Error('cannot render an entry without runs');
  const { folder, commit } = newest;
  const isCommit = folder.host === 'sourcehut' && commit !== undefined;
  const jobs = runs.flatMap((run) => run.jobs);
  const subject = firstDefined(runs, (run) => run.commitLine);
  const branch = firstDefined(runs, (run) => run.branch);
  const start = earliest(runs.map((run) => run.startTime));
  const elapsed = elapsedSeconds(jobs);
  return {
    id: isCommit ? `commit-${commit}` : `run-${folder.name}`,
    mark: markOf(foldJobs(newestOutcomes(jobs))),
    label: isCommit
      ? { text: `Commit ${shortCommit(commit)}`, href: linkBetween(page, commitPage(folder.host, commit)) }
      : {
          text: runLabel({ ...folder, name: newest.run as typeof folder.name }),
          href: runHref(newest, page),
        },
    attempt: newest.attempt > 1 ? `attempt ${newest.attempt}` : undefined,
    earlierAttempts: earlier.map((run) => ({ text: `attempt ${run.attempt}`, href: runHref(run, page) })),
    commit: isCommit ? undefined : commitLink(newest, page),
    subject: subject === undefined ? undefined : visibleText(subject),
    branch: branch === undefined ? undefined : visibleText(branch),
    pullRequest: pullRequestView(jobs),
    start: instantOf(start),
    elapsed: elapsed === undefined ? undefined : durationText(elapsed),
    groups: jobGroups(jobs, page),
  };
}

/** Returns only earlier attempts, since an entry on an old page must not change when a later attempt starts. */
const earlierAttempts = (site: SiteView, run: Run): readonly Run[] =>
  site.attempts(run.folder).filter((other) => other.attempt < run.attempt);

const runHref = (run: Run, page: SitePath): string => linkBetween(page, runPage(run.folder));

export function commitLink(run: Run, page: SitePath): Link | undefined {
  const { commit, folder } = run;
  if (commit === undefined) return undefined;
  return { text: shortCommit(commit), href: linkBetween(page, commitPage(folder.host, commit)) };
}

export function pullRequestView(jobs: readonly Job[]): PullRequestView | undefined {
  const origin = firstDefined(jobs, ({ summary }) =>
    summary?.origin.pullRequest === undefined ? undefined : summary.origin,
  );
  const pull = origin?.pullRequest;
  if (pull === undefined) return undefined;
  return {
    number: visibleText(pull.number),
    href: pullRequestUrl(origin?.jobUrl, pull.number),
    headRef: pull.headRef === undefined ? undefined : visibleText(pull.headRef),
  };
}

/** Groups jobs by outcome, most severe first. */
function jobGroups(jobs: readonly Job[], page: SitePath): readonly JobGroup[] {
  return outcomesBySeverity.flatMap((outcome) => {
    const members = jobs.filter((job) => job.outcome === outcome);
    if (members.length === 0) return [];
    return [
      {
        mark: markOf(outcome),
        count: members.length,
        jobs: members.map((job) => ({
          name: visibleText(job.address.job),
          href: jobHref(job.address, page),
          note: jobGroupNote(job),
        })),
      },
    ];
  });
}

function jobGroupNote(job: Job): string | undefined {
  const seconds = job.summary?.seconds;
  const parts = [
    ...(job.address.host === 'sourcehut' ? [`#${job.address.name}`] : []),
    ...(seconds === undefined ? [] : [durationText(seconds)]),
  ];
  return parts.length === 0 ? undefined : parts.join(' · ');
}

/** Returns one outcome per job name and host: that of the first in the list, which is the newest. */
export function newestOutcomes(jobs: readonly Job[]): readonly JobOutcome[] {
  const seen = new Set<string>();
  return jobs.flatMap((job) => {
    const key = `${job.address.host} ${job.address.job}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [job.outcome];
  });
}

/** Returns the seconds from the first job's start to the last job's end; undefined while a job is active. */
export function elapsedSeconds(jobs: readonly Job[]): number | undefined {
  const ends: number[] = [];
  for (const job of jobs) {
    if (job.outcome === 'running' || job.outcome === 'expected') return undefined;
    const start = jobStart(job);
    const seconds = job.summary?.seconds;
    if (start !== undefined && seconds !== undefined) ends.push(start + seconds);
  }
  const start = earliest(jobs.map(jobStart));
  return start === undefined || ends.length === 0 ? undefined : Math.max(...ends) - start;
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Returns the first value that `pick` finds. */
export function firstDefined<T, V>(items: readonly T[], pick: (item: T) => V | undefined): V | undefined {
  for (const item of items) {
    const value = pick(item);
    if (value !== undefined) return value;
  }
  return undefined;
}
