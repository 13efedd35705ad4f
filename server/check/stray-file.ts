/** Finds files and folders that do not belong in the folders of a site that only Soil writes to. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workerHosts, type WorkerHost } from '../../model/name.js';
import { branchRoot, historyRoot, hostFolder, parseJobFile, parseRunFolder } from '../../model/path.js';
import type { JobAddress } from '../../model/run.js';
import type { Finding } from './finding.js';
import type { SiteReader } from '../state/site-view.js';
import { isTemporaryName, isMissing } from '../../files/atomic-file.js';

const interrupted = 'a temporary file of an interrupted write';

export interface StrayOptions {
  readonly state: SiteReader;
  /** the path of every page that the site should have */
  readonly pages: ReadonlySet<string>;
}

/** Finds stray files. At the top of the site, only temporary files count, since an operator may add files there. */
export async function findStrays(site: string, options: StrayOptions): Promise<readonly Finding[]> {
  const strays: Finding[] = [];
  const add = (path: string, reason: string): void => {
    strays.push({ kind: 'stray', path, reason });
  };
  for (const name of await namesIn(site)) if (isTemporaryName(name)) add(name, interrupted);
  for (const host of workerHosts) {
    const folder = hostFolder(host);
    for (const entry of await entriesIn(join(site, folder))) {
      const path = `${folder}/${entry.name}`;
      if (isTemporaryName(entry.name)) add(path, interrupted);
      else if (entry.name === 'commits') await checkCommits(site, path, { ...options, host, add });
      else if (options.pages.has(path)) continue;
      else if (entry.isDirectory()) await checkRun(site, path, { ...options, host, add });
      else add(path, 'no page has this name');
    }
  }
  for (const root of [branchRoot, historyRoot]) {
    for (const entry of await entriesIn(join(site, root), { recursive: true })) {
      const path = join(entry.parentPath, entry.name).slice(site.length + 1);
      if (isTemporaryName(entry.name)) add(path, interrupted);
      else if (entry.isFile() && !options.pages.has(path)) add(path, 'no page has this name');
    }
  }
  return strays;
}

interface CheckOptions extends StrayOptions {
  readonly host: WorkerHost;
  readonly add: (path: string, reason: string) => void;
}

async function checkRun(
  site: string,
  path: string,
  { state, pages, host, add }: CheckOptions,
): Promise<void> {
  const folder = parseRunFolder(host, path.slice(path.lastIndexOf('/') + 1));
  if (!folder.ok) {
    add(path, 'no run has this name');
    return;
  }
  const names = await namesIn(join(site, path));
  if (names.length === 0) add(path, 'the folder is empty');
  for (const name of names) {
    const at = `${path}/${name}`;
    if (pages.has(at)) continue;
    const file = parseJobFile(name);
    if (isTemporaryName(name)) add(at, interrupted);
    else if (!file.ok) add(at, 'no file of a run has this name');
    else if (wasRemoved(state, { ...folder.value, ...file.value }))
      add(at, 'retention removed this file, but it still exists');
    else if (state.recordedJob({ ...folder.value, job: file.value.job }) === undefined) {
      add(at, 'the JSON of the job is missing: it was never completely stored');
    }
  }
}

function wasRemoved(
  state: SiteReader,
  { suffix, ...address }: JobAddress & { readonly suffix: string },
): boolean {
  if (state.removal(address) !== undefined) return true;
  return suffix === 'wwz' && state.recordedJob(address)?.summary.removedWwz !== undefined;
}

/** Finds stray files among artifacts and commit pages. Artifacts may have any name, except that of a temporary file. */
async function checkCommits(site: string, path: string, { pages, add }: CheckOptions): Promise<void> {
  for (const entry of await entriesIn(join(site, path))) {
    const at = `${path}/${entry.name}`;
    if (entry.isDirectory()) {
      const files = await readdir(join(site, at), { recursive: true });
      for (const file of files) {
        if (isTemporaryName(file.slice(file.lastIndexOf('/') + 1))) add(`${at}/${file}`, interrupted);
      }
    } else if (isTemporaryName(entry.name)) add(at, interrupted);
    else if (!pages.has(at)) add(at, 'no commit has this page');
  }
}

const namesIn = async (path: string): Promise<readonly string[]> =>
  (await entriesIn(path)).map((entry) => entry.name).sort();

async function entriesIn(path: string, { recursive = false }: { readonly recursive?: boolean } = {}) {
  return readdir(path, { withFileTypes: true, recursive }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}
