/** A site's folder -> what is in it: records, TSVs and wwz of every job, and artifacts. Bad files are told, never fatal. */
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommitHash, workerHosts, type JobName, type WorkerHost } from '../model/name.js';
import { commitArtifactFolder, hostFolder, jobFile, parseJobFile, parseRunFolder } from '../model/path.js';
import { parseRecord } from '../model/record-reader.js';
import type { Result } from '../model/result.js';
import { parseRows } from '../model/row.js';
import type { JobAddress } from '../model/run.js';
import type { SiteMemory, StoredJob } from './site-memory.js';

/** Folders that are read at the same time. */
const width = 32;

/** Fills the memory with all that is on disk. Returns one sentence for each file or folder that could not be used. */
export async function readSite(site: string, memory: SiteMemory): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const host of workerHosts) {
    const folder = join(site, hostFolder(host));
    const entries = (await listFolder(folder)).filter((entry) => entry.isDirectory() && !isOurs(entry.name));
    for (let at = 0; at < entries.length; at += width) {
      const batch = entries.slice(at, at + width);
      await Promise.all(batch.map((entry) => readRunFolder(site, host, entry.name, memory, faults)));
    }
    await readArtifacts(site, host, memory);
  }
  return faults.sort();
}

const isOurs = (name: string): boolean => name === 'commits' || name.startsWith('.');

async function listFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return [];
    throw error;
  }
}

async function readRunFolder(
  site: string,
  host: WorkerHost,
  name: string,
  memory: SiteMemory,
  faults: string[],
): Promise<void> {
  const folder = parseRunFolder(host, name);
  if (!folder.ok) {
    faults.push(folder.error);
    return;
  }
  const jobs = new Set<JobName>();
  for (const entry of await listFolder(join(site, hostFolder(host), name))) {
    if (!entry.isFile() || entry.name.startsWith('.') || entry.name.endsWith('.html')) continue;
    const file = parseJobFile(entry.name);
    if (file.ok) jobs.add(file.value.job);
    else faults.push(`${hostFolder(host)}/${name}: ${file.error}`);
  }
  for (const job of [...jobs].sort()) {
    const stored = await readJob(site, { ...folder.value, job });
    if (stored === undefined) continue;
    for (const problem of stored.problems) faults.push(`${hostFolder(host)}/${name}/${job}: ${problem}`);
    memory.putJob({ ...folder.value, job }, stored);
  }
}

/**
 * Reads one job. The JSON is written last: files without one are the rest of an upload that was never acknowledged, and
 * are undefined here.
 */
export async function readJob(site: string, address: JobAddress): Promise<StoredJob | undefined> {
  const pathOf = (suffix: 'json' | 'tsv' | 'wwz') => join(site, jobFile(address, suffix));
  const json = await readText(pathOf('json'));
  if (json === undefined) return undefined;
  const tsv = await readText(pathOf('tsv'));
  const wwz = await stat(pathOf('wwz')).catch(() => undefined);
  const problems: string[] = [];
  const take = <T>(result: Result<T>): T | undefined => {
    if (result.ok) return result.value;
    problems.push(result.error);
    return undefined;
  };
  const record = take(parseUtf8(json, 'JSON', parseRecord));
  const rows = tsv === undefined ? undefined : take(parseUtf8(tsv, 'TSV', parseRows));
  if (tsv === undefined) problems.push('the TSV is missing');
  return {
    rows: rows ?? [],
    problems,
    ...(record !== undefined && { record }),
    ...(wwz?.isFile() === true && { wwzBytes: wwz.size }),
  };
}

async function readText(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Decodes strictly: a byte that is no UTF-8 is a reason to refuse, not to guess. */
export function parseUtf8<T>(bytes: Buffer, what: string, parse: (text: string) => Result<T>): Result<T> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, error: `cannot read the ${what}: it is not UTF-8` };
  }
  return parse(text);
}

/** `HOST-jobs/commits/HASH/FILE`. */
async function readArtifacts(site: string, host: WorkerHost, memory: SiteMemory): Promise<void> {
  for (const entry of await listFolder(join(site, hostFolder(host), 'commits'))) {
    const commit = entry.isDirectory() ? parseCommitHash(entry.name) : undefined;
    if (commit?.ok !== true) continue;
    memory.putArtifacts(host, commit.value, await listArtifacts(site, host, commit.value));
  }
}

export async function listArtifacts(
  site: string,
  host: WorkerHost,
  commit: Parameters<typeof commitArtifactFolder>[1],
): Promise<readonly string[]> {
  const entries = await listFolder(join(site, commitArtifactFolder(host, commit)));
  return entries
    .filter((e) => e.isFile() && !e.name.startsWith('.'))
    .map((e) => e.name)
    .sort();
}
