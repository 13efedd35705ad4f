/** Finds every job and artifact in a site's folder. Reports a file that cannot be read, and continues. */
import { readdir, stat } from 'node:fs/promises';
import { eachBounded } from '../disk/each-bounded.js';
import { join } from 'node:path';
import { parseCommitHash, workerHosts, type CommitHash, type WorkerHost } from '../../model/name.js';
import { hostFolder, jobFile, parseJobFile, parsePublicPath, parseRunFolder } from '../../model/path.js';
import type { JobAddress } from '../../model/run.js';
import { readStoredJob } from './stored-job.js';
import type { ServerLimits } from '../config/limits.js';
import { isMissing } from '../../files/atomic-file.js';

export interface ScannedSite {
  readonly artifacts: readonly PublishedFile[];
  /** run folders whose stamp is the known one, and which were not read, as `HOST FOLDER` */
  readonly unchanged: ReadonlySet<string>;
  /** what could not be read, one line each: the path, then the reason */
  readonly problems: readonly string[];
}

export interface ScanOptions {
  readonly limits: ServerLimits;
  /** called with each job, in no fixed order */
  readonly onJob: (job: ScannedJob) => void;
  /** stamps of run folders by `HOST FOLDER`: a folder whose stamp is the same is not read */
  readonly known?: ReadonlyMap<string, string>;
}

export type ScannedJob = ReturnType<typeof readStoredJob>;

export interface PublishedFile {
  readonly host: WorkerHost;
  readonly commit: CommitHash;
  /** below the commit's artifacts */
  readonly path: string;
}

export async function scanSite(
  site: string,
  { limits, onJob, known = new Map() }: ScanOptions,
): Promise<ScannedSite> {
  const problems: string[] = [];
  const folders: { host: WorkerHost; name: string }[] = [];
  const artifacts: PublishedFile[] = [];
  const unchanged = new Set<string>();
  for (const host of workerHosts) {
    for (const name of await foldersIn(join(site, hostFolder(host)))) {
      if (name === 'commits') artifacts.push(...(await scanArtifacts(site, host, problems)));
      else folders.push({ host, name });
    }
  }
  // Soil's shell server names this folder differently.
  if ((await foldersIn(join(site, 'sourcehut-jobs'))).length > 0) {
    problems.push('sourcehut-jobs: cannot show the jobs in this folder: rename it to srht-jobs');
  }
  await eachBounded(folders, async ({ host, name }) => {
    const key = `${host} ${name}`;
    const stamp = known.get(key);
    if (stamp !== undefined && stamp === (await folderStamp(site, host, name))) {
      unchanged.add(key);
      return;
    }
    for (const address of await scanRun(site, { host, name }, problems)) {
      const job = readStoredJob(site, address, limits);
      for (const text of job.problems) problems.push(`${jobFile(address, 'json')}: ${text}`);
      for (const row of job.rows) {
        if (row.kind === 'bad') problems.push(`${jobFile(address, 'tsv')}:${row.line}: ${row.reason}`);
      }
      onJob(job);
    }
  });
  return { artifacts, unchanged, problems: problems.sort() };
}

/**
 * Returns the inode and the modification time, in nanoseconds, of a run's folder. It changes when a file is added or
 * removed.
 */
export async function folderStamp(site: string, host: WorkerHost, name: string): Promise<string> {
  const { ino, mtimeNs } = await stat(join(site, hostFolder(host), name), { bigint: true });
  return `${ino}-${mtimeNs}`;
}

async function scanRun(
  site: string,
  { host, name }: { readonly host: WorkerHost; readonly name: string },
  problems: string[],
): Promise<JobAddress[]> {
  const folder = parseRunFolder(host, name);
  const path = `${hostFolder(host)}/${name}`;
  if (!folder.ok) {
    problems.push(`${path}: ${folder.error}`);
    return [];
  }
  const found: JobAddress[] = [];
  const entries = await readdir(join(site, path), { withFileTypes: true });
  for (const entry of entries.filter(
    (e) => e.isFile() && !e.name.startsWith('.') && e.name.endsWith('.json'),
  )) {
    const file = parseJobFile(entry.name);
    if (file.ok) found.push({ ...folder.value, job: file.value.job });
    else problems.push(`${path}/${entry.name}: ${file.error}`);
  }
  return found.sort((a, b) => (a.job < b.job ? -1 : 1));
}

async function scanArtifacts(
  site: string,
  host: WorkerHost,
  problems: string[],
): Promise<readonly PublishedFile[]> {
  const commits = join(site, hostFolder(host), 'commits');
  const found: PublishedFile[] = [];
  for (const name of await foldersIn(commits)) {
    const commit = parseCommitHash(name);
    if (!commit.ok) {
      problems.push(`${hostFolder(host)}/commits/${name}: ${commit.error}`);
      continue;
    }
    const entries = await readdir(join(commits, name), { withFileTypes: true, recursive: true });
    for (const entry of entries.filter((e) => e.isFile())) {
      const path = join(entry.parentPath, entry.name).slice(join(commits, name).length + 1);
      if (parsePublicPath(path).ok) found.push({ host, commit: commit.value, path });
    }
  }
  return found;
}

/**
 * Lists the folders in a folder by name, without those that begin with a dot. Returns none if there is no such folder.
 */
async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
