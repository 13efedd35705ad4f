/** Plans a merge: finds the run, the candidate, the target branch and the remote. */
import { relative, resolve } from 'node:path';
import { parseDuration } from '../../model/duration.js';
import type { WorkerHost } from '../../model/name.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseServerUrl, resolveServer } from '../client/server-url.js';
import { planStatusRun } from '../client/status-address.js';
import { chooseRepo, readConfig } from '../config/load-job.js';
import { configName } from '../config/project-config.js';
import { parseBranch } from '../config/soil-yml-values.js';
import { branchOfRef } from '../record/run-identity.js';
import type { CommandContext } from '../system/command-context.js';
import { readCredential } from '../system/credentials.js';
import type { Environment } from '../git/git.js';
import { readGitHead, resolveCommit, type GitHead } from '../git/git-head.js';
import { gitRemote, resolvePushUrl } from './git-remote.js';
import { githubRemote, parseRepository } from './github-remote.js';
import type { MaybeMergeOptions } from './maybe-merge.js';
import type { MergeRemote } from './merge-remote.js';

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
  | { readonly kind: 'not-needed'; readonly reason: string };

/** Plans the merge from options, environment, git and soil.yml. Fails with the first mistake in them. */
export async function planMerge(options: MergeOptions, context: CommandContext): Promise<Result<MergePlan>> {
  const { environment, cwd } = context;
  const repo = await chooseRepo(context);
  const server = resolveServer(options.server, environment);
  if (!server.ok) return server;
  const wait = optionalDuration(options.wait, '--wait');
  if (!wait.ok) return wait;
  const maxAge = optionalDuration(options.maxAge, '--max-age');
  if (!maxAge.ok) return maxAge;
  const git = await readGitHead(repo, environment);
  const commit = await resolveCommit(options.commit, git, { repo, environment });
  if (!commit.ok) return commit;
  const run = planStatusRun(options, commit.value, context);
  if (!run.ok) return run;
  const reason = findSkipReason(options, run.value.host, environment);
  if (reason !== undefined) return accept({ kind: 'not-needed', reason });
  const branch = findBranch(options, git, context);
  if (!branch.ok) return branch;
  const target = await findTarget(options, repo, context);
  if (!target.ok) return target;
  const remote = await openRemote(options, repo, context);
  if (!remote.ok) return remote;
  return accept({
    kind: 'merge',
    merge: {
      ...{ remote: remote.value, server: server.value.href, ...run.value, commit: commit.value },
      ...{ branch: branch.value, target: target.value },
      configPath: options.config === undefined ? configName : relative(repo, resolve(cwd, options.config)),
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

/** Returns the candidate's branch: from --branch, from the CI host, or the one that is checked out. */
function findBranch({ branch }: MergeOptions, git: GitHead, { environment }: CommandContext): Result<string> {
  const found =
    asBranch(branch) ??
    (environment.GITHUB_ACTIONS === 'true' ? branchOfRef(environment.GITHUB_REF) : undefined) ??
    branchOfRef(environment.GIT_REF) ??
    git.branch;
  if (found === undefined) return refuse('cannot find the branch of the candidate: pass --branch');
  return parseBranch(found, branch === undefined ? 'branch' : '--branch');
}

/** Accepts full refs, as CI hosts set them: `refs/heads/x` is branch x. */
const asBranch = (text: string | undefined): string | undefined => branchOfRef(text) ?? text;

/** Returns the branch to move. The soil.yml at its tip must name it, too. */
async function findTarget(
  options: MergeOptions,
  repo: string,
  context: CommandContext,
): Promise<Result<string>> {
  const named = asBranch(options.to);
  if (named !== undefined) return parseBranch(named, '--to');
  const config = await readConfig(repo, context.cwd, options.config);
  if (!config.ok) return config;
  const to = config.value?.merge?.to;
  return to === undefined
    ? refuse(`cannot find the target branch: ${configName} has no key "merge"; pass --to`)
    : accept(to);
}

async function openRemote(
  options: MergeOptions,
  repo: string,
  { environment, cwd }: CommandContext,
): Promise<Result<MergeRemote>> {
  if ((options.remote === undefined) === (options.github === undefined)) {
    return refuse('cannot merge: pass either --remote URL or --github OWNER/NAME');
  }
  if (options.remote !== undefined) {
    const pushUrl = await resolvePushUrl({ repo, remote: remotePath(options.remote, cwd), environment });
    return pushUrl.ok ? accept(gitRemote({ repo, remote: pushUrl.value, environment })) : pushUrl;
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

/** Resolves a relative path against the current folder. Names of remotes and URLs stay as they are. */
function remotePath(remote: string, cwd: string): string {
  return /^\.{1,2}(\/|$)/.test(remote) ? resolve(cwd, remote) : remote;
}
