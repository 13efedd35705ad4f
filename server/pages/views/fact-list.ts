/** The list of facts at the top of a run, commit or job. Leaves out unknown facts. Pure. */
import { commitPage, linkBetween, type SitePath } from '../../../model/path.js';
import type { CommitHash } from '../../../model/name.js';
import {
  codeFact,
  dateFact,
  engineFlagsFact,
  gitFact,
  imageFact,
  optionalFact,
  machineFact,
  timeFact,
  uncommittedFacts,
  urlFact,
} from '../../../templates/fact.js';
import type { Fact } from '../../../templates/part.js';
import { bytesText, durationText, httpUrl, instantOf } from '../../../templates/wording.js';
import type { JobRecord } from '../../../model/record.js';
import type { Job, RemovedWwz, Run } from '../../state/site-view.js';
import { firstDefined, pullRequestView, elapsedSeconds } from './run-entry-view.js';
import { jobStart, repositoryUrl } from './job-view.js';

/** `feedHref`: the feed of the run's branch, if it has one. */
export function runFacts(run: Run, page: SitePath, feedHref: string | undefined): readonly Fact[] {
  const { commit, folder, jobs } = run;
  const origin = firstDefined(jobs, (job) => job.summary?.origin);
  const pull = pullRequestView(jobs);
  const pullText = pull && `#${pull.number}${pull.headRef === undefined ? '' : ` from ${pull.headRef}`}`;
  const seconds = elapsedSeconds(jobs);
  const url = firstDefined(jobs, (job) => httpUrl(job.summary?.origin.jobUrl));
  return [
    ...(commit === undefined
      ? []
      : [codeFact('Commit', commit, linkBetween(page, commitPage(folder.host, commit)))]),
    ...dateFact('Committed', origin?.commitDate),
    ...optionalFact('Branch', run.branch),
    ...optionalFact('Branch feed', feedHref && 'failures and recoveries', feedHref),
    ...optionalFact('Pull request', pullText, pull?.href),
    ...timeFact('Started', run.startTime),
    ...optionalFact('Elapsed', seconds === undefined ? undefined : durationText(seconds)),
    ...optionalFact('Workflow', origin?.workflow),
    ...optionalFact('Event', origin?.event),
    ...optionalFact('Repository', origin?.repository, repositoryUrl(origin?.jobUrl)),
    ...urlFact('On the CI host', url),
  ];
}

export function commitFacts(commit: CommitHash, jobs: readonly Job[]): readonly Fact[] {
  const repository = firstDefined(jobs, (job) => repositoryUrl(job.summary?.origin.jobUrl));
  return [
    codeFact('Commit', commit, repository && `${repository}/commit/${commit}`),
    ...dateFact(
      'Committed',
      firstDefined(jobs, (job) => job.summary?.origin.commitDate),
    ),
    ...optionalFact(
      'Branch',
      firstDefined(jobs, (job) => job.summary?.origin.branch),
    ),
  ];
}

export function jobFacts(job: Job, record: JobRecord | undefined): readonly Fact[] {
  const { address } = job;
  return [
    ...timeFact('Started', jobStart(job)),
    ...optionalFact('Exit status', record?.status === undefined ? undefined : String(record.status)),
    ...removedFact(job.summary?.removedWwz),
    ...imageFact(record?.image),
    ...engineFlagsFact(record?.engineFlags),
    ...uncommittedFacts(record?.uncommitted),
    ...gitFact(record?.git),
    ...machineFact(record?.machine),
    // On other hosts, the facts of the run have the URL.
    ...(address.host === 'sourcehut' ? urlFact('On the CI host', httpUrl(record?.jobUrl)) : []),
  ];
}

/** Returns when and why the logs and results of a job were removed. */
function removedFact(removed: RemovedWwz | undefined): readonly Fact[] {
  if (removed === undefined) return [];
  const size = removed.bytes === undefined ? '' : ` (${bytesText(removed.bytes)})`;
  const when = instantOf(removed.time)?.short ?? '';
  return optionalFact('Logs and results', `removed on ${when}${size}: ${removed.rule}`);
}
