/** The pages of a site: rendered from its state, written only where their bytes changed, each whole or not at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { workerHosts, type CommitHash, type WorkerHost } from '../model/name.js';
import { commitPage, homePage, runPage, type SitePath } from '../model/path.js';
import type { RunFolder } from '../model/run.js';
import { webAssets } from '../templates/asset.js';
import type { SiteMemory } from './site-memory.js';
import {
  changedPages,
  hostIndexPages,
  hostIndexPath,
  rawIndexPages,
  rawIndexPath,
  renderCommit,
  renderHome,
  renderHostIndex,
  renderRawIndex,
  renderRun,
} from './views/site-pages.js';

/** A page that is to be written: rendered only when its turn comes, from the state as it is then. */
export interface PlannedPage {
  readonly path: SitePath;
  readonly render: () => string | Buffer;
}

/** What happened to a run, as far as pages depend on it. */
export interface RunChange {
  readonly folder: RunFolder;
  /** how many runs its host had before */
  readonly runsBefore: number;
}

/** Every page of the site. */
export function planAllPages(memory: SiteMemory): PlannedPage[] {
  const pages = planAssets();
  pages.push({ path: homePage(), render: () => renderHome(memory) });
  for (const host of workerHosts) {
    const numbers = Array.from({ length: hostIndexPages(memory, host) }, (_, i) => i + 1);
    pages.push(...planLists(memory, host, numbers));
    for (const { folder } of memory.runs(host)) {
      pages.push({ path: runPage(folder), render: () => renderRun(memory, folder) });
    }
  }
  for (const commit of memory.commits()) pages.push(...planCommit(memory, commit));
  return pages;
}

export function planAssets(): PlannedPage[] {
  return webAssets().map(({ path, bytes }) => ({ path, render: () => bytes }));
}

/** The pages that a change of runs and commits can change: their number does not grow with history. */
export function planChangedPages(
  memory: SiteMemory,
  runs: readonly RunChange[],
  commits: readonly CommitHash[],
): PlannedPage[] {
  const pages = new Map<SitePath, PlannedPage>();
  const add = (planned: readonly PlannedPage[]) => {
    for (const page of planned) pages.set(page.path, page);
  };
  for (const { folder, runsBefore } of runs) {
    const after = memory.runs(folder.host).length;
    add(planLists(memory, folder.host, changedPages(runsBefore, after, memory.indexOf(folder))));
    for (const { folder: attempt } of memory.attempts(folder)) {
      add([{ path: runPage(attempt), render: () => renderRun(memory, attempt) }]);
    }
    for (const commit of memory.commitsOf(folder)) add(planCommit(memory, commit));
  }
  for (const commit of commits) add(planCommit(memory, commit));
  if (runs.length > 0) add([{ path: homePage(), render: () => renderHome(memory) }]);
  return [...pages.values()];
}

function planLists(memory: SiteMemory, host: WorkerHost, numbers: readonly number[]): PlannedPage[] {
  return [
    ...numbers.map((n) => ({
      path: hostIndexPath(memory, host, n),
      render: () => renderHostIndex(memory, host, n),
    })),
    ...numbers
      .filter((n) => n <= rawIndexPages(memory, host))
      .map((n) => ({ path: rawIndexPath(memory, host, n), render: () => renderRawIndex(memory, host, n) })),
  ];
}

function planCommit(memory: SiteMemory, commit: CommitHash): PlannedPage[] {
  return memory.hostsOfCommit(commit).map((host) => ({
    path: commitPage(host, commit),
    render: () => renderCommit(memory, host, commit),
  }));
}

/** Writes the pages whose bytes changed; returns how many those were. */
export async function writePages(site: string, pages: readonly PlannedPage[]): Promise<number> {
  let written = 0;
  for (const { path, render } of pages) {
    const content = render();
    if (await writeIfChanged(join(site, path), Buffer.isBuffer(content) ? content : Buffer.from(content)))
      written++;
  }
  return written;
}

async function writeIfChanged(file: string, content: Buffer): Promise<boolean> {
  const there = await readFile(file).catch(() => undefined);
  if (there?.equals(content) === true) return false;
  await writeWhole(file, content);
  return true;
}

/** Through a temporary file in the same folder, whose name begins with a dot and so is never served, and a rename. */
export async function writeWhole(file: string, content: Buffer | string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await writeFile(temporary, content, { mode: 0o644 });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
