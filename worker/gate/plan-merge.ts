/** Plans a merge: finds the run, the candidate, the target branch and the remote. */
import { relative, resolve } from 'node:path';
import { parseDuration } from '../../model/duration.js';
import type { CommitHash, WorkerHost } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseServerUrl, resolveServer } from '../client/server-url.js';
import { planStatusRun } from '../client/status-address.js';
import { chooseRepo } from '../config/load-job.js';
import { configName, parseConfig } from '../config/project-config.js';
import { parseBranch } from '../config/soil-yml-values.js';
import type { Environment } from '../git/git.js';
import { branchOfRef } from '../record/run-identity.js';
import type { CommandContext } from '../system/command-context.js';
import { readCredential } from '../system/credentials.js';
import { findCandidate, type Candidate } from './candidate.js';
import { gitRemote } from './git-remote.js';
import { githubRemote, parseRepository } from './github-remote.js';
import type { MaybeMergeOptions } from './maybe-merge.js';
import type { MergeRemote } from './merge-remote.js';
import { refuseOwnPrograms } from './own-programs.js';
import { canSendToken, parseRemote, remoteOfHost } from './remote-url.js';

/** The options of `maybe-merge`, as the command line gives them. */
export interface MergeOptions {
  readonly server?: string;
  readonly config?: string;
  readonly remote?: string;
  readonly github?: string;
  readonly githubApi?: string;
  readonly runId?: string;
  readonly attempt?: string;
  readonly commit?: string;
  readonly host?: string;
  readonly branch?: string;
  readonly to?: string;
  readonly maxAge?: string;
  readonly wait?: string;
  readonly tokenFile?: string;
}

export type MergePlan =
  | { readonly kind: 'merge'; readonly merge: MaybeMergeOptions }
  /** this run never merges; `reason` says why */
  | { readonly kind: 'not-needed'; readonly reason: string }
  /** the remote cannot be read */
  | { readonly kind: 'unreadable'; readonly reason: string };

/**
 * Plans the merge from options, environment and what the worker remembers of the run. Nothing in the checkout is asked: a
 * job could have written it. Fails with the first mistake.
 */
export async function planMerge(options: MergeOptions, context: CommandContext): Promise<Result<MergePlan>> {
  const { environment, cwd } = context;
  const repo = await chooseRepo(context);
  const own = await refuseOwnPrograms(context);
  if (!own.ok) return own;
  const server = resolveServer(options.server, environment);
  if (!server.ok) return server;
  const wait = optionalDuration(options.wait, '--wait');
  if (!wait.ok) return wait;
  const maxAge = optionalDuration(options.maxAge, '--max-age');
  if (!maxAge.ok) return maxAge;
  const candidate = await findCandidate(options, context);
  if (!candidate.ok) return candidate;
  const { commit } = candidate.value;
  const run = planStatusRun(options, commit, context);
  if (!run.ok) return run;
  const reason = findSkipReason(options, run.value.host, environment);
  if (reason !== undefined) return accept({ kind: 'not-needed', reason });
  const remote = await openRemote(options, commit, context);
  if (!remote.ok) return remote;
  const branch = findBranch(options, candidate.value, context);
  if (!branch.ok) return branch;
  const configPath = options.config === undefined ? configName : relative(repo, resolve(cwd, options.config));
  const target = await findTarget(options, { remote: remote.value, commit, configPath });
  if (!target.ok || target.value.kind === 'unreadable') await remote.value.close?.();
  if (!target.ok) return target;
  if (target.value.kind === 'unreadable') return accept(target.value);
  return accept({
    kind: 'merge',
    merge: {
      ...{ remote: remote.value, server: server.value.href, ...run.value, commit },
      ...{ branch: branch.value, target: target.value.branch, configPath },
      ...(maxAge.value !== undefined && { maxAgeSeconds: maxAge.value }),
      waitSeconds: wait.value ?? 0,
      now: () => context.now().getTime() / 1000,
      cancel: context.cancel,
      print: context.print,
    },
  });
}

/** Returns why this run never merges: it was started by a pull request, a workflow or a tag. */
function findSkipReason(
  { branch }: MergeOptions,
  host: WorkerHost,
  environment: Environment,
): string | undefined {
  // With --run-id or SOIL_RUN, the worker host is local even on GitHub Actions.
  const isGithub = host === 'github' || environment.GITHUB_ACTIONS === 'true';
  const event = environment.GITHUB_EVENT_NAME ?? '';
  // For these events, the ref and the SHA are those of the target branch, but the commit can be a fork's.
  if (isGithub && /^(pull_request|pull_request_\w+|workflow_run)$/.test(event)) {
    return `nothing to do for event ${quote(event)}`;
  }
  const ref = environment.GITHUB_ACTIONS === 'true' ? environment.GITHUB_REF : environment.GIT_REF;
  return branch === undefined && ref?.startsWith('refs/tags/') === true
    ? `nothing to do for ${quote(ref)}: only branches are merged`
    : undefined;
}

function optionalDuration(text: string | undefined, what: string): Result<number | undefined> {
  return text === undefined ? accept(undefined) : parseDuration(text, what);
}

/** Returns the candidate's branch: from --branch, from the CI host, or that of the run whose jobs tested it. */
function findBranch(
  { branch }: MergeOptions,
  candidate: Candidate,
  { environment }: CommandContext,
): Result<string> {
  const found =
    asBranch(branch) ??
    (environment.GITHUB_ACTIONS === 'true' ? branchOfRef(environment.GITHUB_REF) : undefined) ??
    branchOfRef(environment.GIT_REF) ??
    candidate.branch;
  if (found === undefined) return refuse('cannot find the branch of the candidate: pass --branch');
  return parseBranch(found, branch === undefined ? 'branch' : '--branch');
}

/** Accepts full refs, as CI hosts set them: `refs/heads/x` is branch x. */
const asBranch = (text: string | undefined): string | undefined => branchOfRef(text) ?? text;

type TargetPlan =
  { readonly kind: 'branch'; readonly branch: string } | Extract<MergePlan, { readonly kind: 'unreadable' }>;

interface TargetSources {
  readonly remote: MergeRemote;
  readonly commit: CommitHash | undefined;
  readonly configPath: string;
}

/** Returns the branch to move: the one that the candidate's soil.yml names. The soil.yml at its tip must name it, too. */
async function findTarget(
  options: MergeOptions,
  { remote, commit, configPath }: TargetSources,
): Promise<Result<TargetPlan>> {
  const found = (parsed: Result<string>): Result<TargetPlan> =>
    parsed.ok ? accept({ kind: 'branch', branch: parsed.value }) : parsed;
  const named = asBranch(options.to);
  if (named !== undefined) return found(parseBranch(named, '--to'));
  if (commit === undefined) {
    return refuse('cannot find the target branch: pass --to, or --commit, whose soil.yml names it');
  }
  const text = await remote.readFile(commit, configPath);
  if (!text.ok) return accept({ kind: 'unreadable', reason: `cannot find the target branch: ${text.error}` });
  const where = `${configPath} at ${commit}`;
  if (text.value === undefined) return refuse(`cannot find the target branch: no ${where}; pass --to`);
  const config = parseConfig(text.value, where);
  if (!config.ok) return config;
  const to = config.value.merge?.to;
  return to === undefined
    ? refuse(`cannot find the target branch: ${where} has no key "merge"; pass --to`)
    : found(accept(to));
}

async function openRemote(
  options: MergeOptions,
  candidate: CommitHash | undefined,
  { environment, cwd }: CommandContext,
): Promise<Result<MergeRemote>> {
  if (options.remote !== undefined && options.github !== undefined) return refuse(noRemote);
  if (options.github === undefined) {
    const ofHost = options.remote === undefined ? remoteOfHost(environment) : undefined;
    const url = options.remote ?? ofHost;
    if (url === undefined) return refuse(noRemote);
    const remote = parseRemote(url, cwd);
    if (!remote.ok) return remote;
    const token = await readGitToken(options, remote.value, environment);
    if (!token.ok) return token;
    return accept(
      gitRemote({
        ...{ remote: remote.value, environment },
        ...(candidate !== undefined && { candidate }),
        ...(token.value !== undefined && { token: token.value }),
      }),
    );
  }
  const repository = parseRepository(options.github ?? '');
  if (!repository.ok) return repository;
  const api = parseServerUrl(
    options.githubApi ?? environment.GITHUB_API_URL ?? 'https://api.github.com',
    options.githubApi === undefined ? 'GITHUB_API_URL' : '--github-api',
  );
  if (!api.ok) return api;
  const token = await readCredential({
    ...{ variable: 'SOIL_GITHUB_API_TOKEN', value: environment.SOIL_GITHUB_API_TOKEN },
    ...(options.tokenFile !== undefined && { file: options.tokenFile }),
  });
  if (!token.ok) return token;
  if (token.value === undefined) {
    return refuse(
      'cannot use the GitHub API: no token given. Set SOIL_GITHUB_API_TOKEN, or pass --token-file',
    );
  }
  return accept(
    githubRemote({
      repository: repository.value,
      api: api.value.href.replace(/\/$/, ''),
      token: token.value,
    }),
  );
}

const noRemote =
  'cannot merge: pass either --remote URL or --github OWNER/NAME. The remotes in .git/config are not read, since a job can write them';

/**
 * Returns the token for an https remote: that of --token-file, or SOIL_GITHUB_API_TOKEN if the remote is on the GitHub of
 * this run.
 */
async function readGitToken(
  { tokenFile }: MergeOptions,
  remote: string,
  environment: Environment,
): Promise<Result<string | undefined>> {
  const github = environment.GITHUB_SERVER_URL ?? 'https://github.com';
  const isGithub =
    URL.canParse(remote) && URL.canParse(github) && new URL(remote).origin === new URL(github).origin;
  if (tokenFile !== undefined && !canSendToken(remote)) {
    return refuse(
      `cannot use --token-file: a token is only sent to an https remote, not to ${quote(remote, 300)}`,
    );
  }
  return readCredential({
    ...{ variable: 'SOIL_GITHUB_API_TOKEN', value: isGithub ? environment.SOIL_GITHUB_API_TOKEN : undefined },
    ...(tokenFile !== undefined && { file: tokenFile }),
  });
}
