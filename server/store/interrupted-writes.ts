/** What a killed server left of jobs that it was just moving into the site: their staging folders tell of it, and it goes. */
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workerHosts } from '../../model/name.js';
import { hostFolder } from '../../model/path.js';
import { stagedFile } from './staged-job.js';
import { isMissing } from '../../files/atomic-file.js';

/**
 * The JSON is moved last: a staging folder that still has one is of a job that nobody was told is stored. Its other
 * files may be in the site already, without a JSON; or its run's folder, empty. To be called before staging is emptied,
 * so that a second crash does not forget what the first one left. Files of other jobs stay, whatever they lack.
 */
export async function removeInterruptedWrites(site: string, staging: string): Promise<void> {
  const jobs = new Set<string>();
  for (const name of await readdir(staging)) {
    const job = await stagedJobName(join(staging, name));
    if (job !== undefined) jobs.add(job);
  }
  // The usual case: nothing was under way, and no folder has to be looked at.
  if (jobs.size === 0) return;
  for (const host of workerHosts) {
    const root = join(site, hostFolder(host));
    for (const folder of await namesIn(root)) {
      if (folder !== 'commits' && !folder.startsWith('.')) await sweepRun(join(root, folder), jobs);
    }
  }
}

async function sweepRun(folder: string, jobs: ReadonlySet<string>): Promise<void> {
  const names = await namesIn(folder);
  const unfinished = names.filter((name) => {
    const job = name.replace(/\.(wwz|tsv)$/, '');
    return job !== name && jobs.has(job) && !names.includes(`${job}.json`);
  });
  for (const name of unfinished) await rm(join(folder, name), { force: true });
  // A folder with anything in it stays: rmdir() removes no other; and a page is none.
  if (unfinished.length === names.length) await rmdir(folder).catch(() => undefined);
}

/** The name in a staged record; undefined where no whole record is there. */
async function stagedJobName(folder: string): Promise<string | undefined> {
  try {
    const record = JSON.parse(await readFile(stagedFile(folder, 'json'), 'utf8')) as unknown;
    const name = (record as Readonly<Record<string, unknown>> | null)?.['job-name'];
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined; // an upload that was not whole yet
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
