/** Every address inside a site, in one place: identities -> relative paths with forward slashes. */
import {
  parseJobName,
  parseRunId,
  type CommitHash,
  type JobName,
  type TaskName,
  type WorkerHost,
} from './name.js';
import { statusRunId, type JobAddress, type JobIdentity, type RunFolder } from './run.js';
import { accept, quote, refuse, type Result } from './result.js';

declare const sitePathBrand: unique symbol;
/** A path below the site's folder, made only here and by parsePublicPath: no `..`, no leading slash, no dot file. */
export type SitePath = string & { readonly [sitePathBrand]: true };

const made = (path: string): SitePath => path as SitePath;

export const recordSuffixes = ['json', 'tsv', 'wwz'] as const;
export type RecordSuffix = (typeof recordSuffixes)[number];

/** `github-jobs`, `srht-jobs`, `local-jobs`. */
export function hostFolder(host: WorkerHost): SitePath {
  switch (host) {
    case 'github':
      return made('github-jobs');
    case 'sourcehut':
      return made('srht-jobs');
    case 'local':
      return made('local-jobs');
  }
}

/** The host of a top-level folder; `sourcehut-jobs` is what Soil's shell clients call `srht-jobs`. */
export function parseHostFolder(text: string): Result<WorkerHost> {
  switch (text) {
    case 'github-jobs':
      return accept('github');
    case 'srht-jobs':
    case 'sourcehut-jobs':
      return accept('sourcehut');
    case 'local-jobs':
      return accept('local');
    default:
      return refuse(
        `cannot accept folder ${quote(text)}: it must be one of github-jobs, srht-jobs, sourcehut-jobs, local-jobs`,
      );
  }
}

export const homePage = (): SitePath => made('index.html');
export const webFile = (name: 'style.css' | 'icon.svg' | 'page.js'): SitePath => made(`web/${name}`);
/** A JSON Schema, by its file name `NAME.schema.json`. */
export const schemaFile = (name: string): SitePath => made(`web/schema/${name}`);
/** The newest page of a host's index is `index.html`; older pages are `page-N.html`, numbered from the oldest. */
export const hostIndex = (host: WorkerHost): SitePath => made(`${hostFolder(host)}/index.html`);
export const hostIndexPage = (host: WorkerHost, page: number): SitePath =>
  made(`${hostFolder(host)}/page-${page}.html`);
export const rawIndex = (host: WorkerHost): SitePath => made(`${hostFolder(host)}/raw.html`);
export const rawIndexPage = (host: WorkerHost, page: number): SitePath =>
  made(`${hostFolder(host)}/raw-${page}.html`);
export const runFolder = ({ host, name }: RunFolder): SitePath => made(`${hostFolder(host)}/${name}`);
export const runPage = (folder: RunFolder): SitePath => made(`${runFolder(folder)}/index.html`);
export const jobFile = (address: JobAddress, suffix: RecordSuffix): SitePath =>
  made(`${runFolder(address)}/${address.job}.${suffix}`);
export const commitPage = (host: WorkerHost, commit: CommitHash): SitePath =>
  made(`${hostFolder(host)}/commits/${commit}.html`);
export const commitArtifactFolder = (host: WorkerHost, commit: CommitHash): SitePath =>
  made(`${hostFolder(host)}/commits/${commit}`);
/**
 * A branch as one segment of a path: letters, digits, `.`, `_` and `-` stay, every other byte of its UTF-8 is `~` and two
 * hexadecimal digits, and so is a dot in front. Git allows no `~` in a name, so that no two branches meet. Undefined for
 * one that is too long for a file's name.
 */
export function branchKey(branch: string): string | undefined {
  if (branch.length > longestKey) return undefined;
  const key = Array.from(branch).map(encodeCharacter).join('').replace(/^\./, '~2e');
  return key === '' || key.length > longestKey ? undefined : key;
}

const longestKey = 200;

function encodeCharacter(character: string): string {
  if (/[\w.-]/.test(character)) return character;
  // Half of a pair has no UTF-8: TextEncoder would make one and the same of all of them.
  if (/\p{Surrogate}/u.test(character)) return `~u${character.charCodeAt(0).toString(16)}`;
  return Array.from(
    new TextEncoder().encode(character),
    (byte) => `~${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

export const branchRoot = 'branches';
/** What is known of a branch under a name that stays: `latest.json`, `latest-green.json`, `badge.svg`, `feed.atom`. */
export const branchFile = (
  key: string,
  name: 'latest.json' | 'latest-green.json' | 'badge.svg' | 'feed.atom',
): SitePath => made(`${branchRoot}/${key}/${name}`);
export const branchJobBadge = (key: string, job: JobName): SitePath =>
  made(`${branchRoot}/${key}/jobs/${job}.svg`);
export const historyRoot = 'history';
export const historyFile = (job: JobName): SitePath => made(`${historyRoot}/${job}.json`);
export const historyPage = (job: JobName): SitePath => made(`${historyRoot}/${job}.html`);
export const mergeEvidence = (commit: CommitHash): SitePath => made(`merges/${commit}.json`);
/** `status-api/github/RUN_ID/JOB`, `status-api/sourcehut/COMMIT/JOB`, `status-api/local/RUN/JOB`. */
export const statusRoot = 'status-api';
export const statusFile = (identity: JobIdentity): SitePath =>
  made(`${statusRoot}/${identity.host}/${statusRunId(identity)}/${identity.job}`);

/** Inside a wwz. Soil's own files are below `_soil/`, where no task's result may go. */
export const wwzIndex = 'index.html';
export const wwzOwnFolder = '_soil';
export const wwzImagePage = '_soil/image.html';
/** A task's log; an earlier try of a task that was retried is `_soil/logs/TASK/TRY.txt`. */
export const wwzLog = (task: TaskName): string => `_soil/logs/${task}.txt`;
export const wwzEarlierLog = (task: TaskName, attempt: number): string => `_soil/logs/${task}/${attempt}.txt`;

/** A task's log in a wwz that Soil's shell worker made: records of schema 0. */
export const wwzSchema0Log = (task: TaskName): string => `_tmp/soil/logs/${task}.txt`;

/** Splits `JOB.json`, `JOB.tsv`, `JOB.wwz` into job and suffix. */
export function parseJobFile(name: string): Result<{ readonly job: JobName; readonly suffix: RecordSuffix }> {
  const suffix = recordSuffixes.find((s) => name.endsWith(`.${s}`));
  if (suffix === undefined) {
    return refuse(`cannot accept file ${quote(name)}: its name must end in .json, .tsv or .wwz`);
  }
  const job = parseJobName(name.slice(0, -suffix.length - 1));
  return job.ok ? accept({ job: job.value, suffix }) : job;
}

/** A folder's name inside a host's folder: a run, an attempt of it, or a sourcehut job. */
export function parseRunFolder(host: WorkerHost, name: string): Result<RunFolder> {
  const id = parseRunId(name, 'run folder');
  return id.ok ? accept({ host, name: id.value }) : id;
}

/**
 * The path of a GET, percent-decoded once: segments that are empty, `.` or `..`, begin with a dot, or hold a
 * backslash or control character are refused. A trailing slash is kept away by the caller.
 */
export function parsePublicPath(path: string): Result<SitePath> {
  for (const segment of path.split('/')) {
    if (segment === '' || segment.startsWith('.') || /[\u0000-\u001f\u007f\\]/.test(segment)) {
      return refuse(`cannot serve ${quote(path)}: ${quote(segment)} is not a public name`);
    }
  }
  return accept(made(path));
}

/** The relative link from one page of the site to another file of it, percent-encoded, without a leading slash. */
export function linkBetween(from: SitePath, to: string): string {
  // A page has thousands of links: no list is made of either path.
  let shared = 0;
  for (let at = 0; at < from.length && from[at] === to[at]; at++) if (from[at] === '/') shared = at + 1;
  let up = '';
  for (let at = from.indexOf('/', shared); at !== -1; at = from.indexOf('/', at + 1)) up += '../';
  const rest = to.slice(shared);
  const down = plainPath.test(rest) ? rest : rest.split('/').map(encodeSegment).join('/');
  return up === '' && down === '' ? './' : up + down;
}

/** Nothing in it needs an escape. */
const plainPath = /^[\w.~/-]*$/;

/** Percent-encodes one segment of a path. A first segment with a colon would read as a scheme: `:` is encoded too. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment);
}
