/** The environment of a CI host and what git knows -> whose job this is. Pure: clock, environment and facts are passed in. */
import { errorMessage } from '../../model/error-message.js';
import { parseCommitHash, parseRunId, type CommitHash, type JobName, type RunId } from '../../model/name.js';
import { defined } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseAttempt, parseLocalRun, parseRunNumber } from '../../model/run.js';
import type { Environment, GitHead } from '../system/git.js';
import type { RunJobOptions } from './progress.js';

/** What the record says of a job before it ran. */
export type JobOrigin = RunJobOptions['origin'];

/** One attempt of a run, in its host's own terms. On sourcehut the commit stands in for the run. */
export type RunIdentity =
  | { readonly host: 'github'; readonly number: RunId; readonly runId: RunId; readonly attempt: number }
  | { readonly host: 'sourcehut'; readonly jobId: RunId; readonly jobUrl: string }
  | { readonly host: 'local'; readonly run: RunId; readonly attempt: number; readonly named: boolean };

export interface RunSources {
  readonly environment: Environment;
  readonly now: Date;
  /** `--run-id`: with it, or with SOIL_RUN, the run is a local one wherever it runs */
  readonly runId?: string;
  /** `--attempt` */
  readonly attempt?: string;
}

export interface OriginSources extends RunSources {
  readonly git: GitHead;
  /** the text of the file that GITHUB_EVENT_PATH names */
  readonly githubEvent?: string;
  readonly job: JobName;
  /** every job that soil.yml declares */
  readonly declaredJobs: readonly JobName[];
  readonly workerVersion: string;
}

/** Which run this is: `--run-id` and SOIL_RUN first, then GitHub Actions, then sourcehut, then a local run of its own. */
export function identifyRun({ environment: env, now, runId, attempt }: RunSources): Result<RunIdentity> {
  const named = nonEmpty(runId) ?? nonEmpty(env.SOIL_RUN);
  const attemptText = nonEmpty(attempt) ?? nonEmpty(env.SOIL_ATTEMPT);
  if (named === undefined && env.GITHUB_ACTIONS === 'true') return planGithubRun(env);
  if (named === undefined && nonEmpty(env.JOB_ID) && nonEmpty(env.JOB_URL)) {
    const jobId = parseRunId(env.JOB_ID ?? '', 'JOB_ID');
    return jobId.ok ? accept({ host: 'sourcehut', jobId: jobId.value, jobUrl: env.JOB_URL ?? '' }) : jobId;
  }
  const run = parseLocalRun(named ?? clockRun(now), nonEmpty(runId) ? '--run-id' : 'SOIL_RUN');
  if (!run.ok) return run;
  const counted = parseAttempt(attemptText ?? '1', nonEmpty(attempt) ? '--attempt' : 'SOIL_ATTEMPT');
  if (!counted.ok) return counted;
  return accept({ host: 'local', run: run.value, attempt: counted.value, named: named !== undefined });
}

function planGithubRun(env: Environment): Result<RunIdentity> {
  const number = parseRunNumber(env.GITHUB_RUN_NUMBER ?? '', 'GITHUB_RUN_NUMBER');
  if (!number.ok) return number;
  const runId = parseRunNumber(env.GITHUB_RUN_ID ?? '', 'GITHUB_RUN_ID');
  if (!runId.ok) return runId;
  const attempt = parseAttempt(nonEmpty(env.GITHUB_RUN_ATTEMPT) ?? '1', 'GITHUB_RUN_ATTEMPT');
  if (!attempt.ok) return attempt;
  return accept({ host: 'github', number: number.value, runId: runId.value, attempt: attempt.value });
}

/** `20260113T100000Z`: the second in which a run that nobody named began, UTC. */
const clockRun = (now: Date): string => now.toISOString().replace(/[-:]|\.\d+/g, '');

/** What the job's record says of where it comes from. `notices` tell what was odd and did not stop it. */
export function describeOrigin(
  sources: OriginSources,
): Result<{ readonly origin: JobOrigin; readonly notices: readonly string[] }> {
  const { environment: env, git, job, workerVersion } = sources;
  const run = identifyRun(sources);
  if (!run.ok) return run;
  const notices: string[] = [];
  const facts = { job, ...git, workerVersion };
  switch (run.value.host) {
    case 'github': {
      const { number, runId, attempt } = run.value;
      const commit = planGithubCommit(env, git.commit, notices);
      if (!commit.ok) return commit;
      const event = readGithubEvent(sources.githubEvent);
      if (!event.ok) notices.push(event.error);
      const origin: JobOrigin = {
        host: 'github',
        ...facts,
        ...defined({
          commit: commit.value,
          branch: githubBranch(env),
          repository: nonEmpty(env.GITHUB_REPOSITORY),
          workflow: nonEmpty(env.GITHUB_WORKFLOW),
          ref: nonEmpty(env.GITHUB_REF),
          event: nonEmpty(env.GITHUB_EVENT_NAME),
          jobUrl: githubUrl(env, runId, attempt),
          pullRequest: event.ok ? event.value : undefined,
        }),
        ...{ runNumber: number, runId, attempt, expectedJobs: sources.declaredJobs },
      };
      return accept({ origin, notices });
    }
    case 'sourcehut': {
      if (git.commit === undefined) {
        return refuse(
          'cannot tell the commit: on sourcehut it stands in for the run, and git knows none here',
        );
      }
      const ref = nonEmpty(env.GIT_REF);
      const branch = branchOfRef(ref) ?? git.branch;
      const { jobId, jobUrl } = run.value;
      const origin: JobOrigin = {
        ...{ host: 'sourcehut', ...facts, ...defined({ ref, branch }) },
        // A job of sourcehut has a folder of its own: no other job is to be expected in it.
        ...{ jobId, jobUrl, attempt: 1, expectedJobs: [] },
      };
      return accept({ origin, notices });
    }
    case 'local': {
      const { run: localRun, attempt, named } = run.value;
      const origin: JobOrigin = {
        ...{ host: 'local', ...facts, localRun, attempt },
        // A run that the clock named will never hear of another job.
        expectedJobs: named ? sources.declaredJobs : [],
      };
      return accept({ origin, notices });
    }
  }
}

/** The commit that is checked out where git knows it, since that is what the tasks see; else GITHUB_SHA. */
function planGithubCommit(
  env: Environment,
  head: CommitHash | undefined,
  notices: string[],
): Result<CommitHash> {
  const sha = parseCommitHash(env.GITHUB_SHA ?? '', 'GITHUB_SHA');
  if (head === undefined || !sha.ok) return sha;
  if (head !== sha.value) {
    notices.push(
      `the commit that is checked out, ${head}, is not GITHUB_SHA ${quote(sha.value)}: the record has the former`,
    );
  }
  return accept(head);
}

/** The branch of a GitHub run: a pull request's head, or the branch that was pushed; none for a tag. */
function githubBranch(env: Environment): string | undefined {
  return nonEmpty(env.GITHUB_HEAD_REF) ?? branchOfRef(env.GITHUB_REF);
}

/** `refs/heads/x/y` -> `x/y`. */
export function branchOfRef(ref: string | undefined): string | undefined {
  return ref?.startsWith('refs/heads/') === true ? nonEmpty(ref.slice('refs/heads/'.length)) : undefined;
}

function githubUrl(env: Environment, runId: RunId, attempt: number): string | undefined {
  const server = nonEmpty(env.GITHUB_SERVER_URL);
  const repository = nonEmpty(env.GITHUB_REPOSITORY);
  if (server === undefined || repository === undefined) return undefined;
  return `${server}/${repository}/actions/runs/${runId}${attempt > 1 ? `/attempts/${attempt}` : ''}`;
}

type PullRequest = NonNullable<JobOrigin['pullRequest']>;

/** The pull request that GitHub's event file tells of; undefined for a push. */
function readGithubEvent(text: string | undefined): Result<PullRequest | undefined> {
  if (text === undefined) return accept(undefined);
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (error) {
    return refuse(`cannot read the file of GITHUB_EVENT_PATH: ${errorMessage(error)}`);
  }
  const request = member(event, 'pull_request');
  const number = member(request, 'number');
  if (request === undefined || typeof number !== 'number') return accept(undefined);
  const head = member(request, 'head');
  const headRef = member(head, 'ref');
  const headSha = member(head, 'sha');
  return accept({
    number: String(number),
    ...(typeof headRef === 'string' && { headRef }),
    ...(typeof headSha === 'string' && { headSha }),
  });
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
