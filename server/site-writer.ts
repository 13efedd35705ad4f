/** The pages of a site on disk: what changed in its state -> only the pages that show it, one rewrite at a time. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { workerHosts, type CommitHash, type WorkerHost } from '../model/name.js';
import { commitPage, homePage, hostFolder, runPage, type SitePath } from '../model/path.js';
import type { RunFolder } from '../model/run.js';
import { webAssets } from '../templates/asset.js';
import { isMissing, writeIfChanged } from './durable-file.js';
import { positionOf, type Change, type LiveState } from './site-state.js';
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

export interface WriterCounts {
  /** rewrites that ended well; changes that came together share one */
  readonly rewrites: number;
  /** files whose bytes changed */
  readonly pages: number;
}

/**
 * Follows a state with its pages. Changes that come while a rewrite is under way wait together for the next one, which
 * shows them all: an older page never lands after a newer one.
 */
export class SiteWriter {
  readonly #site: string;
  readonly #state: LiveState;
  #folders = new Map<string, RunFolder>();
  #commits = new Set<CommitHash>();
  /** how many runs each list had when its pages were last written */
  #totals: ReadonlyMap<WorkerHost, number>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #counts = { rewrites: 0, pages: 0 };

  constructor(site: string, state: LiveState) {
    this.#site = site;
    this.#state = state;
    this.#totals = this.#currentTotals();
  }

  counts(): WriterCounts {
    return this.#counts;
  }

  /** Settles when the pages show the change, and all before it. After a failure they follow with the next change. */
  follow(change: Change): Promise<void> {
    for (const folder of change.folders) this.#folders.set(`${folder.host} ${folder.name}`, folder);
    for (const commit of change.commits) this.#commits.add(commit);
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await (this.#next ?? this.#running).catch(() => undefined);
  }

  /** Writes every page of the site whose bytes differ, and takes away pages of lists that have become shorter. */
  async writeAll(): Promise<number> {
    const before = this.#counts.pages;
    for (const { path, bytes } of webAssets()) await this.#write(path, bytes);
    for (const host of workerHosts) {
      for (const { folder } of this.#state.runs(host))
        await this.#write(runPage(folder), renderRun(this.#state, folder));
      await this.#writeLists(host, pagesUpTo(hostIndexPages(this.#state, host)));
      await this.#removeStaleLists(host);
    }
    for (const commit of this.#state.commits()) await this.#writeCommit(commit);
    await this.#write(homePage(), renderHome(this.#state));
    this.#totals = this.#currentTotals();
    return this.#counts.pages - before;
  }

  #start(): Promise<void> {
    const mine = this.#rewrite().finally(() => {
      this.#running = undefined;
    });
    this.#running = mine;
    return mine;
  }

  /** The most particular pages first, so that no list links to what is not there yet. */
  async #rewrite(): Promise<void> {
    // What arrives from here on belongs to the next rewrite.
    const [folders, commits, totals] = [this.#folders, this.#commits, this.#totals];
    const now = this.#currentTotals();
    this.#folders = new Map();
    this.#commits = new Set();
    const lists = new Map<WorkerHost, Set<number>>();
    for (const folder of folders.values()) {
      const run = this.#state.run(folder);
      if (run === undefined) continue;
      const { host } = folder;
      const index = positionOf(this.#state.runs(host), run);
      const pages = lists.get(host) ?? new Set();
      for (const page of changedPages(totals.get(host) ?? 0, now.get(host) ?? 0, index)) pages.add(page);
      lists.set(host, pages);
    }
    this.#totals = now;
    try {
      for (const folder of folders.values())
        await this.#write(runPage(folder), renderRun(this.#state, folder));
      for (const commit of commits) await this.#writeCommit(commit);
      for (const [host, pages] of lists) await this.#writeLists(host, [...pages]);
      await this.#write(homePage(), renderHome(this.#state));
      this.#counts.rewrites++;
    } catch (error) {
      for (const [key, folder] of folders) this.#folders.set(key, folder);
      for (const commit of commits) this.#commits.add(commit);
      this.#totals = totals;
      throw error;
    }
  }

  async #writeCommit(commit: CommitHash): Promise<void> {
    const hosts = this.#state.hostsOfCommit(commit);
    for (const host of workerHosts) {
      const path = commitPage(host, commit);
      if (hosts.includes(host)) await this.#write(path, renderCommit(this.#state, host, commit));
      else await rm(join(this.#site, path), { force: true });
    }
  }

  async #writeLists(host: WorkerHost, pages: readonly number[]): Promise<void> {
    for (const page of pages) {
      // Rendered just before it is written: the list may have become longer meanwhile, and then pages have other names.
      if (page <= hostIndexPages(this.#state, host)) {
        await this.#write(hostIndexPath(this.#state, host, page), renderHostIndex(this.#state, host, page));
      }
      if (page <= rawIndexPages(this.#state, host)) {
        await this.#write(rawIndexPath(this.#state, host, page), renderRawIndex(this.#state, host, page));
      }
    }
  }

  async #removeStaleLists(host: WorkerHost): Promise<void> {
    const folder = join(this.#site, hostFolder(host));
    const kept = new Set<string>(
      pagesUpTo(hostIndexPages(this.#state, host)).flatMap((page) => [
        hostIndexPath(this.#state, host, page),
        rawIndexPath(this.#state, host, page),
      ]),
    );
    const names = await readdir(folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const name of names.filter((n) => /^(page|raw)-\d+\.html$/.test(n))) {
      if (!kept.has(`${hostFolder(host)}/${name}`)) await rm(join(folder, name), { force: true });
    }
  }

  async #write(path: SitePath, text: string | Buffer): Promise<void> {
    if (await writeIfChanged(join(this.#site, path), text)) this.#counts.pages++;
  }

  #currentTotals(): ReadonlyMap<WorkerHost, number> {
    return new Map(workerHosts.map((host) => [host, this.#state.runs(host).length]));
  }
}

const pagesUpTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);
