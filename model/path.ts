/** Returns the path of every file of a site. Paths are relative, with forward slashes. */
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
/** A path inside the site's folder, without `..`, leading slash and dot files. Only this file creates them. */
export type SitePath = string & { readonly [sitePathBrand]: true };

const sitePath = (path: string): SitePath => path as SitePath;

export const recordSuffixes = ['json', 'tsv', 'wwz'] as const;
export type RecordSuffix = (typeof recordSuffixes)[number];

/** Returns `github-jobs`, `srht-jobs` or `local-jobs`. */
export function hostFolder(host: WorkerHost): SitePath {
  switch (host) {
    case 'github':
      return sitePath('github-jobs');
    case 'sourcehut':
      return sitePath('srht-jobs');
    case 'local':
      return sitePath('local-jobs');
  }
}

/** Parses a top-level folder. Soil's shell clients write `sourcehut-jobs` for `srht-jobs`. */
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

export const homePage = (): SitePath => sitePath('index.html');
export const webFile = (name: 'style.css' | 'icon.svg'): SitePath => sitePath(`web/${name}`);
/** Returns the path of a JSON Schema by its file name, `NAME.schema.json`. */
export const schemaFile = (name: string): SitePath => sitePath(`web/schema/${name}`);
/** The page of the newest runs. Older pages are `page-N.html`, numbered from the oldest. */
export const hostIndex = (host: WorkerHost): SitePath => sitePath(`${hostFolder(host)}/index.html`);
export const hostIndexPage = (host: WorkerHost, page: number): SitePath =>
  sitePath(`${hostFolder(host)}/page-${page}.html`);
export const rawIndex = (host: WorkerHost): SitePath => sitePath(`${hostFolder(host)}/raw.html`);
export const rawIndexPage = (host: WorkerHost, page: number): SitePath =>
  sitePath(`${hostFolder(host)}/raw-${page}.html`);
export const runFolder = ({ host, name }: RunFolder): SitePath => sitePath(`${hostFolder(host)}/${name}`);
export const runPage = (folder: RunFolder): SitePath => sitePath(`${runFolder(folder)}/index.html`);
export const jobFile = (address: JobAddress, suffix: RecordSuffix): SitePath =>
  sitePath(`${runFolder(address)}/${address.job}.${suffix}`);
export const commitPage = (host: WorkerHost, commit: CommitHash): SitePath =>
  sitePath(`${hostFolder(host)}/commits/${commit}.html`);
export const commitArtifactFolder = (host: WorkerHost, commit: CommitHash): SitePath =>
  sitePath(`${hostFolder(host)}/commits/${commit}`);

/**
 * Encodes a branch as one path segment: letters, digits, `_`, `-` and dots after the first character stay; every other
 * byte of its UTF-8 becomes `~` and two hexadecimal digits. Git forbids `~` in branch names, so no two branches collide.
 * Returns undefined if the result is too long for a file name.
 */
export function branchKey(branch: string): string | undefined {
  if (branch.length > maxKeyLength) return undefined;
  const key = Array.from(branch).map(encodeCharacter).join('').replace(/^\./, '~2e');
  return key === '' || key.length > maxKeyLength ? undefined : key;
}

const maxKeyLength = 200;

function encodeCharacter(character: string): string {
  if (/[\w.-]/.test(character)) return character;
  // TextEncoder encodes every lone surrogate as the same replacement character.
  if (/\p{Surrogate}/u.test(character)) return `~u${character.charCodeAt(0).toString(16)}`;
  return Array.from(
    new TextEncoder().encode(character),
    (byte) => `~${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

export const branchRoot = 'branches';
/** The files about a branch at stable URLs. */
export const branchFile = (
  key: string,
  name: 'latest.json' | 'latest-green.json' | 'badge.svg' | 'feed.atom',
): SitePath => sitePath(`${branchRoot}/${key}/${name}`);
export const branchJobBadge = (key: string, job: JobName): SitePath =>
  sitePath(`${branchRoot}/${key}/jobs/${job}.svg`);
export const historyRoot = 'history';
export const historyFile = (job: JobName): SitePath => sitePath(`${historyRoot}/${job}.json`);
export const historyPage = (job: JobName): SitePath => sitePath(`${historyRoot}/${job}.html`);
export const mergeEvidence = (commit: CommitHash): SitePath => sitePath(`merges/${commit}.json`);
/** `status-api/github/RUN_ID/JOB`, `status-api/sourcehut/COMMIT/JOB`, `status-api/local/RUN/JOB`. */
export const statusRoot = 'status-api';
export const statusFile = (identity: JobIdentity): SitePath =>
  sitePath(`${statusRoot}/${identity.host}/${statusRunId(identity)}/${identity.job}`);

/** Paths inside a wwz. `_soil/` is reserved for Soil, so a result cannot be there. */
export const wwzIndex = 'index.html';
export const wwzSoilFolder = '_soil';
export const wwzImagePage = '_soil/image.html';
/** The log of a task's last try. Earlier tries are `_soil/logs/TASK/TRY.txt`. */
export const wwzLog = (task: TaskName): string => `_soil/logs/${task}.txt`;
export const wwzEarlierLog = (task: TaskName, attempt: number): string => `_soil/logs/${task}/${attempt}.txt`;

/** The line index of a log: `_soil/logs/unit.txt` -> `_soil/index/logs/unit.txt.json`. */
export const wwzLogIndex = (log: string): string => log.replace(/^_soil\/(.*)$/, '_soil/index/$1.json');

/** The log of a task in a wwz of Soil's shell worker, which writes records of schema 0. */
export const wwzSchema0Log = (task: TaskName): string => `_tmp/soil/logs/${task}.txt`;

/** Splits `JOB.json`, `JOB.tsv` or `JOB.wwz` into job and suffix. */
export function parseJobFile(name: string): Result<{ readonly job: JobName; readonly suffix: RecordSuffix }> {
  const suffix = recordSuffixes.find((s) => name.endsWith(`.${s}`));
  if (suffix === undefined) {
    return refuse(`cannot accept file ${quote(name)}: its name must end in .json, .tsv or .wwz`);
  }
  const job = parseJobName(name.slice(0, -suffix.length - 1));
  return job.ok ? accept({ job: job.value, suffix }) : job;
}

/** Parses the name of a folder in a host's folder: a run, an attempt of a run, or a sourcehut job. */
export function parseRunFolder(host: WorkerHost, name: string): Result<RunFolder> {
  const id = parseRunId(name, 'run folder');
  return id.ok ? accept({ host, name: id.value }) : id;
}

/**
 * Parses the path of a GET request, percent-decoded once. Refuses segments that are empty, start with a dot, or contain a
 * backslash or control character. The caller removes a trailing slash.
 */
export function parsePublicPath(path: string): Result<SitePath> {
  for (const segment of path.split('/')) {
    if (segment === '' || segment.startsWith('.') || /[\u0000-\u001f\u007f\\]/.test(segment)) {
      return refuse(`cannot serve ${quote(path)}: ${quote(segment)} is not a public name`);
    }
  }
  return accept(sitePath(path));
}

/** Returns the relative, percent-encoded link from one page of the site to another file. */
export function linkBetween(from: SitePath, to: string): string {
  // Pages have thousands of links, so this allocates no arrays.
  let shared = 0;
  for (let at = 0; at < from.length && from[at] === to[at]; at++) if (from[at] === '/') shared = at + 1;
  let up = '';
  for (let at = from.indexOf('/', shared); at !== -1; at = from.indexOf('/', at + 1)) up += '../';
  const rest = to.slice(shared);
  const down = plainPath.test(rest) ? rest : rest.split('/').map(encodeSegment).join('/');
  return up === '' && down === '' ? './' : up + down;
}

/** Paths that need no escapes. */
const plainPath = /^[\w.~/-]*$/;

/** Percent-encodes one path segment, including `:`, because a first segment with a colon would be read as a scheme. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment);
}
