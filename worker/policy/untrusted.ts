/** Decides whether a job is untrusted: by option, by the policy of the machine, or since it tests a fork's commit. */
import { accept, refuse, type Result } from '../../model/result.js';
import { strictPolicy, type PolicySource } from './policy.js';

type Variables = Readonly<Record<string, string | undefined>>;

export interface TrustSources {
  /** `--untrusted` or `--no-untrusted`; absent: neither */
  readonly option?: boolean;
  readonly environment: Variables;
  /** the content of the file GITHUB_EVENT_PATH */
  readonly githubEvent?: string;
  readonly files: readonly PolicySource[];
}

/** Returns the policies that hold for the jobs of a command: the strict one first if they are untrusted, then the files'. */
export function choosePolicies(sources: TrustSources): Result<readonly PolicySource[]> {
  const { option, environment, githubEvent, files } = sources;
  const event = describeForkEvent(environment, githubEvent);
  const always = files.find(({ policy }) => policy.untrusted === 'always');
  const forks = files.find(({ policy }) => policy.untrusted === 'forks');
  const deciding = always ?? (event === undefined ? undefined : forks);
  if (option === false && deciding !== undefined) {
    return refuse(
      `cannot accept --no-untrusted: ${describeOrigin(deciding)} has untrusted: ${deciding.policy.untrusted}`,
    );
  }
  const reason =
    option === true
      ? '--untrusted'
      : always !== undefined
        ? `untrusted: always in ${describeOrigin(always)}`
        : option === undefined || forks !== undefined
          ? event
          : undefined;
  if (reason === undefined) return accept(files);
  return accept([{ policy: strictPolicy, origin: { kind: 'untrusted', reason } }, ...files]);
}

const describeOrigin = ({ origin }: PolicySource): string =>
  origin.kind === 'file' ? origin.file : origin.reason;

/**
 * Returns why the environment says that a fork's commit may be checked out, or undefined. `pull_request_target` and
 * `workflow_run` run with the secrets of the target, and exist to work with what a fork sent. An event that cannot be
 * read is one of a fork.
 */
export function describeForkEvent(env: Variables, githubEvent: string | undefined): string | undefined {
  if (env.GITHUB_ACTIONS === 'true') return describeGithubFork(env.GITHUB_EVENT_NAME ?? '', githubEvent);
  if (isSet(env.PATCHSET_ID) || env.BUILD_REASON === 'patchset') return 'a patchset of sourcehut';
  const source = env.CI_MERGE_REQUEST_SOURCE_PROJECT_ID;
  if (isSet(source) && source !== env.CI_MERGE_REQUEST_PROJECT_ID)
    return 'a merge request of a fork on GitLab';
  return undefined;
}

function describeGithubFork(name: string, event: string | undefined): string | undefined {
  if (name === 'pull_request_target' || name === 'workflow_run') return `event ${name}`;
  // pull_request_review and pull_request_review_comment check out the merge commit of the pull request, too.
  if (!name.startsWith('pull_request')) return undefined;
  const request = member(parse(event), 'pull_request');
  const head = repositoryId(member(request, 'head'));
  const base = repositoryId(member(request, 'base'));
  return head !== undefined && head === base ? undefined : `event ${name} of a fork`;
}

/** The number of a repository. Unlike its name, no other repository can get it. A deleted fork has none. */
function repositoryId(side: unknown): number | undefined {
  const id = member(member(side, 'repo'), 'id');
  return typeof id === 'number' ? id : undefined;
}

function parse(event: string | undefined): unknown {
  try {
    return JSON.parse(event ?? '');
  } catch {
    return undefined;
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';
