/** The folders of a site that are Soil's alone -> files and folders in them that nothing leads to. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workerHosts, type WorkerHost } from '../../model/name.js';
import { branchRoot, historyRoot, hostFolder, parseJobFile, parseRunFolder } from '../../model/path.js';
import type { JobAddress } from '../../model/run.js';
import type { Finding } from './finding.js';
import type { SiteState } from '../state/site-state.js';
import { isTemporaryName, isMissing } from '../../files/atomic-file.js';

export interface StrayOptions {
  readonly state: SiteState;
  /** every page that there is to be */
  readonly pages: ReadonlySet<string>;
}

/** What an operator puts beside them, at the top of the site, is not looked at. */
export async function findStrays(site: string, options: StrayOptions): Promise<readonly Finding[]> {
  const strays: Finding[] = [];
  const say = (path: string, reason: string): void => {
    strays.push({ kind: 'stray', path, reason });
  };
  for (const name of await namesIn(site)) if (isTemporaryName(name)) say(name, 'a rewrite left it');
  for (const host of workerHosts) {
    const folder = hostFolder(host);
    for (const entry of await entriesIn(join(site, folder))) {
      const path = `${folder}/${entry.name}`;
      if (isTemporaryName(entry.name)) say(path, 'a rewrite left it');
      else if (entry.name === 'commits') await walkCommits(site, path, { ...options, host, say });
      else if (options.pages.has(path)) continue;
      else if (entry.isDirectory()) await walkRun(site, path, { ...options, host, say });
      else say(path, 'no page has this name');
    }
  }
  for (const root of [branchRoot, historyRoot]) {
    for (const entry of await entriesIn(join(site, root), { recursive: true })) {
      const path = join(entry.parentPath, entry.name).slice(site.length + 1);
      if (isTemporaryName(entry.name)) say(path, 'a rewrite left it');
      else if (entry.isFile() && !options.pages.has(path)) say(path, 'no page has this name');
    }
  }
  return strays;
}

interface Walk extends StrayOptions {
  readonly host: WorkerHost;
  readonly say: (path: string, reason: string) => void;
}

async function walkRun(site: string, path: string, { state, pages, host, say }: Walk): Promise<void> {
  const folder = parseRunFolder(host, path.slice(path.lastIndexOf('/') + 1));
  if (!folder.ok) {
    say(path, 'no run has this name');
    return;
  }
  const names = await namesIn(join(site, path));
  if (names.length === 0) say(path, 'the folder is empty');
  for (const name of names) {
    const at = `${path}/${name}`;
    if (pages.has(at)) continue;
    const file = parseJobFile(name);
    if (isTemporaryName(name)) say(at, 'a rewrite left it');
    else if (!file.ok) say(at, 'no file of a run has this name');
    else if (wasRemoved(state, { ...folder.value, ...file.value }))
      say(at, 'it was removed, and is there all the same');
    else if (state.recordedJob({ ...folder.value, job: file.value.job }) === undefined) {
      say(at, `the job's JSON is not there: it never arrived whole`);
    }
  }
}

function wasRemoved(
  state: SiteState,
  { suffix, ...address }: JobAddress & { readonly suffix: string },
): boolean {
  if (state.removal(address) !== undefined) return true;
  return suffix === 'wwz' && state.recordedJob(address)?.summary.removedWwz !== undefined;
}

/** Artifacts are whatever was published; only what a crash left is looked for among them. */
async function walkCommits(site: string, path: string, { pages, say }: Walk): Promise<void> {
  for (const entry of await entriesIn(join(site, path))) {
    const at = `${path}/${entry.name}`;
    if (entry.isDirectory()) {
      const files = await readdir(join(site, at), { recursive: true });
      for (const file of files) {
        if (isTemporaryName(file.slice(file.lastIndexOf('/') + 1))) say(`${at}/${file}`, 'a rewrite left it');
      }
    } else if (isTemporaryName(entry.name)) say(at, 'a rewrite left it');
    else if (!pages.has(at)) say(at, 'no commit has this page');
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
