/** A site's folder -> every job and artifact in it. What cannot be read is a problem of its own and stops nothing. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommitHash, workerHosts, type CommitHash, type WorkerHost } from '../model/name.js';
import { hostFolder, jobFile, parseJobFile, parsePublicPath, parseRunFolder } from '../model/path.js';
import type { JobAddress } from '../model/run.js';
import { readArrivedJob, type ArrivedJob } from './arrived-job.js';
import { isMissing } from './durable-file.js';
import type { ServerLimits } from './limits.js';

export interface ScannedSite {
  readonly jobs: readonly ArrivedJob[];
  readonly artifacts: readonly PublishedFile[];
  /** what is bad, one line each: the path, then the reason */
  readonly problems: readonly string[];
}

export interface PublishedFile {
  readonly host: WorkerHost;
  readonly commit: CommitHash;
  /** below the commit's artifacts */
  readonly path: string;
}

/** Files that are read at the same time: the disk is kept busy and descriptors are not used up. */
const readAtOnce = 32;

export async function scanSite(site: string, limits: ServerLimits): Promise<ScannedSite> {
  const problems: string[] = [];
  const addresses: JobAddress[] = [];
  const artifacts: PublishedFile[] = [];
  for (const host of workerHosts) {
    for (const name of await foldersIn(join(site, hostFolder(host)))) {
      if (name === 'commits') artifacts.push(...(await scanArtifacts(site, host, problems)));
      else addresses.push(...(await scanRun(site, { host, name }, problems)));
    }
  }
  // Soil's shell server keeps the jobs of sourcehut under another name.
  if ((await foldersIn(join(site, 'sourcehut-jobs'))).length > 0) {
    problems.push('sourcehut-jobs: cannot show its jobs under this name: rename it to srht-jobs');
  }
  const jobs = await mapBounded(addresses, (address) => readArrivedJob(site, address, limits));
  for (const job of jobs) {
    for (const text of job.problems) problems.push(`${jobFile(job.address, 'json')}: ${text}`);
    for (const row of job.rows) {
      if (row.kind === 'bad') problems.push(`${jobFile(job.address, 'tsv')}:${row.line}: ${row.reason}`);
    }
  }
  return { jobs, artifacts, problems };
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

/** Names of the folders in a folder, ordered, those that begin with a dot apart; none where it is not there. */
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

async function mapBounded<T, V>(items: readonly T[], work: (item: T) => Promise<V>): Promise<V[]> {
  const results: V[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: readAtOnce }, worker));
  return results;
}
