/** Identifies the run and the origin of a job from the environment and git's HEAD. Pure. */
import { errorMessage } from '../../model/error-message.js';
import { parseCommitHash, parseRunId, type CommitHash, type JobName, type RunId } from '../../model/name.js';
import { withoutUndefined } from '../../model/record.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseAttempt, parseLocalRun, parseRunNumber } from '../../model/run.js';
import type { Environment } from '../git/git.js';
import type { GitHead } from '../git/git-head.js';
import type { RunJobOptions } from './progress.js';

/** The fields of a record that are known before the job runs. */
export type JobOrigin = RunJobOptions['origin'];

/** One attempt of a run, in the terms of its CI host. sourcehut has no runs: there the commit identifies the run. */
export type RunIdentity =
  | { readonly host: 'github'; readonly number: RunId; readonly runId: RunId; readonly attempt: number }
  | { readonly host: 'sourcehut'; readonly jobId: RunId; readonly jobUrl: string }
  | { readonly host: 'local'; readonly run: RunId; readonly attempt: number; readonly named: boolean };

export interface RunSources {
  readonly environment: Environment;
  readonly now: Date;
  /** `--run-id`: with it, or with SOIL_RUN, the run is a local one on every host */
  readonly runId?: string;
  /** `--attempt` */
  readonly attempt?: string;
}

export interface OriginSources extends RunSources {
  readonly git: GitHead;
  /** the content of the file GITHUB_EVENT_PATH */
  readonly githubEvent?: string;
  readonly job: JobName;
  /** all jobs in soil.yml */
  readonly declaredJobs: readonly JobName[];
  readonly workerVersion: string;
}

/**
 * Identifies the run: by `--run-id` or SOIL_RUN, else by the environment of GitHub Actions or sourcehut, else as a new
 * local run.
 */
export function identifyRun({ environment: env, now, runId, attempt }: RunSources): Result<RunIdentity> {
  const named = nonEmpty(runId) ?? nonEmpty(env.SOIL_RUN);
  const attemptText = nonEmpty(attempt) ?? nonEmpty(env.SOIL_ATTEMPT);
  if (named === undefined && env.GITHUB_ACTIONS === 'true') return identifyGithubRun(env);
  if (named === undefined && nonEmpty(env.JOB_ID) && nonEmpty(env.JOB_URL)) {
    const jobId = parseRunId(env.JOB_ID ?? '', 'JOB_ID');
    return jobId.ok ? accept({ host: 'sourcehut', jobId: jobId.value, jobUrl: env.JOB_URL ?? '' }) : jobId;
  }
  const run = parseLocalRun(named ?? clockRun(now), nonEmpty(runId) ? '--run-id' : 'SOIL_RUN');
  if (!run.ok) return run;
  const number = parseAttempt(attemptText ?? '1', nonEmpty(attempt) ? '--attempt' : 'SOIL_ATTEMPT');
  if (!number.ok) return number;
  return accept({ host: 'local', run: run.value, attempt: number.value, named: named !== undefined });
}

function identifyGithubRun(env: Environment): Result<RunIdentity> {
  const number = parseRunNumber(env.GITHUB_RUN_NUMBER ?? '', 'GITHUB_RUN_NUMBER');
  if (!number.ok) return number;
  const runId = parseRunNumber(env.GITHUB_RUN_ID ?? '', 'GITHUB_RUN_ID');
  if (!runId.ok) return runId;
  const attempt = parseAttempt(nonEmpty(env.GITHUB_RUN_ATTEMPT) ?? '1', 'GITHUB_RUN_ATTEMPT');
  if (!attempt.ok) return attempt;
  return accept({ host: 'github', number: number.value, runId: runId.value, attempt: attempt.value });
}

/** Names a local run after the current second in UTC: `20260113T100000Z`. */
const clockRun = (now: Date): string => now.toISOString().replace(/[-:]|\.\d+/g, '');

/** Returns the origin of a job for its record. `notices` are warnings for the user. */
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
      const commit = chooseGithubCommit(env, git.commit, notices);
      if (!commit.ok) return commit;
      const event = parseGithubEvent(sources.githubEvent);
      if (!event.ok) notices.push(event.error);
      const origin: JobOrigin = {
        host: 'github',
        ...facts,
        ...withoutUndefined({
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
          'cannot identify the run: on sourcehut the commit identifies it, and no commit is checked out here',
        );
      }
      const ref = nonEmpty(env.GIT_REF);
      const branch = branchOfRef(ref) ?? git.branch;
      const { jobId, jobUrl } = run.value;
      const origin: JobOrigin = {
        ...{ host: 'sourcehut', ...facts, ...withoutUndefined({ ref, branch }) },
        // On sourcehut each job has a folder of its own, so no other job is expected there.
        ...{ jobId, jobUrl, attempt: 1, expectedJobs: [] },
      };
      return accept({ origin, notices });
    }
    case 'local': {
      const { run: localRun, attempt, named } = run.value;
      const origin: JobOrigin = {
        ...{ host: 'local', ...facts, localRun, attempt },
        // No other job can join a run that was named after the clock.
        expectedJobs: named ? sources.declaredJobs : [],
      };
      return accept({ origin, notices });
    }
  }
}

/** Returns the commit that is checked out, since that is what the tasks see; outside a repo, GITHUB_SHA. */
function chooseGithubCommit(
  env: Environment,
  head: CommitHash | undefined,
  notices: string[],
): Result<CommitHash> {
  const sha = parseCommitHash(env.GITHUB_SHA ?? '', 'GITHUB_SHA');
  if (head === undefined || !sha.ok) return sha;
  if (head !== sha.value) {
    notices.push(
      `commit ${head} is checked out, but GITHUB_SHA is ${quote(sha.value)}: the record names the former`,
    );
  }
  return accept(head);
}

/** Returns the head branch of a pull request, or the branch that was pushed; undefined for a tag. */
function githubBranch(env: Environment): string | undefined {
  return nonEmpty(env.GITHUB_HEAD_REF) ?? branchOfRef(env.GITHUB_REF);
}

/** Returns `x/y` for `refs/heads/x/y`; undefined for other refs. */
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

/** Parses the pull request in GitHub's event file; undefined for a push. */
function parseGithubEvent(text: string | undefined): Result<PullRequest | undefined> {
  if (text === undefined) return accept(undefined);
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (error) {
    return refuse(`cannot parse the file GITHUB_EVENT_PATH: ${errorMessage(error)}`);
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
