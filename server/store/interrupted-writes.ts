/** Removes files of jobs that a killed server was moving from their staging folders into the site. */
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workerHosts } from '../../model/name.js';
import { hostFolder } from '../../model/path.js';
import { stagedFile } from './staged-job.js';
import { isMissing } from '../../files/atomic-file.js';

/**
 * Removes the files of each job whose JSON is still in a staging folder. Since the JSON is moved last, such a job was
 * not acknowledged, but its other files may already be in the site, or its run folder may be empty. Call this before
 * staging is emptied, so that a second crash loses no information. Does not touch files of other jobs.
 */
export async function removeInterruptedWrites(site: string, staging: string): Promise<void> {
  const jobs = new Set<string>();
  for (const name of await readdir(staging)) {
    const job = await stagedJobName(join(staging, name));
    if (job !== undefined) jobs.add(job);
  }
  // The usual case: no upload was interrupted.
  if (jobs.size === 0) return;
  for (const host of workerHosts) {
    const root = join(site, hostFolder(host));
    for (const folder of await namesIn(root)) {
      if (folder !== 'commits' && !folder.startsWith('.')) await cleanRun(join(root, folder), jobs);
    }
  }
}

async function cleanRun(folder: string, jobs: ReadonlySet<string>): Promise<void> {
  const names = await namesIn(folder);
  const unfinished = names.filter((name) => {
    const job = name.replace(/\.(wwz|tsv)$/, '');
    return job !== name && jobs.has(job) && !names.includes(`${job}.json`);
  });
  for (const name of unfinished) await rm(join(folder, name), { force: true });
  // rmdir() removes only an empty folder.
  if (unfinished.length === names.length) await rmdir(folder).catch(() => undefined);
}

/** Returns the job name in a staged record; undefined if there is no complete record. */
async function stagedJobName(folder: string): Promise<string | undefined> {
  try {
    const record = JSON.parse(await readFile(stagedFile(folder, 'json'), 'utf8')) as unknown;
    const name = (record as Readonly<Record<string, unknown>> | null)?.['job-name'];
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined; // the upload was not complete
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  }
}
