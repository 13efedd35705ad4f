/** Writes the pages that changes of the state affect, in one rewrite at a time. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { workerHosts, type CommitHash, type WorkerHost } from '../../model/name.js';
import { hostFolder } from '../../model/path.js';
import type { RunFolder } from '../../model/run.js';
import type { ReadDetails } from '../store/job-details-cache.js';
import { removePage, writePage } from '../disk/site-files.js';
import { listTotals, planAll, planChange, type ListTotals, type PlannedPage } from './page-plan.js';
import type { PendingUploads } from './pending-uploads.js';
import { eachBounded } from '../disk/each-bounded.js';
import { StableUrlWriter } from './stable-url-writer.js';
import { noChanges, type PageChanges } from '../state/page-changes.js';
import type { SiteState } from '../state/site-state.js';
import { isMissing } from '../../files/atomic-file.js';

export interface PageWriterCounts {
  /** rewrites that succeeded; concurrent changes share one */
  readonly rewrites: number;
  /** files whose bytes changed */
  readonly pages: number;
  /** the duration of all rewrites */
  readonly seconds: number;
}

export interface PageWriterEvents {
  /** called after each rewrite with its duration in seconds */
  readonly onRewrite?: ((seconds: number) => void) | undefined;
  /** called when a page, whose path is below the site, has grown by so many bytes; negative if it became smaller */
  readonly onBytes?: ((bytes: number, path: string) => void) | undefined;
}

/** A change during a rewrite waits for the next one, so that an older page never replaces a newer one. */
export class PageWriter {
  readonly #site: string;
  readonly #state: SiteState;
  readonly #details: ReadDetails;
  readonly #uploads: PendingUploads;
  readonly #onRewrite: PageWriterEvents['onRewrite'];
  readonly #onBytes: PageWriterEvents['onBytes'];
  #folders = new Map<string, RunFolder>();
  #commits = new Set<CommitHash>();
  #reordered = new Set<WorkerHost>();
  readonly #stableUrls: StableUrlWriter;
  /** the length of the lists when their pages were last written */
  #totals: ListTotals;
  #running: Promise<void> | undefined;
  /** the current rewrite still accepts changes */
  #isOpen = false;
  #next: Promise<void> | undefined;
  #counts = { rewrites: 0, pages: 0, seconds: 0 };

  /** `totals`: the length of the lists on the pages on disk; by default, that in the state. */
  constructor(
    site: string,
    {
      state,
      details,
      uploads,
      onRewrite,
      onBytes,
      totals,
    }: {
      readonly state: SiteState;
      readonly details: ReadDetails;
      readonly uploads: PendingUploads;
      readonly totals?: ListTotals;
    } & PageWriterEvents,
  ) {
    this.#site = site;
    this.#state = state;
    this.#details = details;
    this.#uploads = uploads;
    this.#onRewrite = onRewrite;
    this.#onBytes = onBytes;
    this.#totals = totals ?? listTotals(state);
    this.#stableUrls = new StableUrlWriter({ state, details }, (page) => {
      this.#write(page);
    });
  }

  counts(): PageWriterCounts {
    return this.#counts;
  }

  /**
   * Resolves when the pages show this change and all earlier ones. Pages that fail are written again with the next
   * change.
   */
  schedule(change: PageChanges): Promise<void> {
    for (const folder of change.folders) this.#folders.set(`${folder.host} ${folder.name}`, folder);
    for (const commit of change.commits) this.#commits.add(commit);
    for (const host of change.reordered) this.#reordered.add(host);
    this.#stableUrls.schedule(change);
    if (this.#running === undefined) return this.#start();
    if (this.#isOpen) return this.#running;
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  /** Resolves when no page is being written. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await (this.#next ?? this.#running).catch(() => undefined);
    await this.#stableUrls.flush();
  }

  /** Writes all pending pages, including those that failed before. Returns whether the pages show the whole state. */
  async flush(): Promise<boolean> {
    const isShown = await this.schedule(noChanges).then(
      () => true,
      () => false,
    );
    await this.idle();
    return isShown && !this.#stableUrls.hasPending;
  }

  /**
   * Writes every page whose bytes differ, and removes pages of lists that became shorter. Returns how many files
   * changed.
   */
  async writeAll(): Promise<number> {
    const before = this.#counts.pages;
    const kept = new Set<string>();
    const failures: unknown[] = [];
    await eachBounded(planAll({ state: this.#state, details: this.#details }), (page) => {
      kept.add(page.path);
      this.#attempt(page, failures);
      return Promise.resolve();
    });
    if (failures.length > 0) throw failures[0];
    for (const host of workerHosts) await this.#removeStaleLists(host, kept);
    this.#totals = listTotals(this.#state);
    return this.#counts.pages - before;
  }

  #start(): Promise<void> {
    const rewrite = this.#rewrite().finally(() => {
      this.#running = undefined;
    });
    this.#running = rewrite;
    return rewrite;
  }

  async #rewrite(): Promise<void> {
    this.#isOpen = true;
    await this.#uploads.drained();
    this.#isOpen = false;
    const begin = performance.now();
    // Changes from here on belong to the next rewrite.
    const [folders, commits, reordered, totals] = [
      this.#folders,
      this.#commits,
      this.#reordered,
      this.#totals,
    ];
    this.#folders = new Map();
    this.#commits = new Set();
    this.#reordered = new Set();
    this.#totals = listTotals(this.#state);
    const change = {
      ...noChanges,
      ...{ folders: [...folders.values()], commits: [...commits], reordered: [...reordered] },
    };
    try {
      const source = { state: this.#state, details: this.#details };
      const pages = planChange(source, change, totals);
      // A page that fails does not stop the others.
      const failures: unknown[] = [];
      for (const page of pages) this.#attempt(page, failures);
      if (failures.length > 0) throw failures[0];
      // A list that is rewritten completely may have become shorter.
      const kept = new Set(pages.map(({ path }) => path));
      for (const host of reordered) await this.#removeStaleLists(host, kept);
      this.#counts.rewrites++;
    } catch (error) {
      for (const [key, folder] of folders) this.#folders.set(key, folder);
      for (const commit of commits) this.#commits.add(commit);
      for (const host of reordered) this.#reordered.add(host);
      this.#totals = totals;
      throw error;
    } finally {
      const seconds = (performance.now() - begin) / 1000;
      this.#counts.seconds += seconds;
      this.#onRewrite?.(seconds);
    }
  }

  async #removeStaleLists(host: WorkerHost, kept: ReadonlySet<string>): Promise<void> {
    const folder = join(this.#site, hostFolder(host));
    const names = await readdir(folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const name of names.filter((n) => /^(page|raw)-\d+\.html$/.test(n))) {
      if (!kept.has(`${hostFolder(host)}/${name}`)) await rm(join(folder, name), { force: true });
    }
  }

  #attempt(page: PlannedPage, failures: unknown[]): void {
    try {
      this.#write(page);
    } catch (error) {
      failures.push(error);
    }
  }

  #write({ path, render }: PlannedPage): void {
    const bytes = render();
    const at = join(this.#site, path);
    if (bytes === undefined) {
      removePage(at);
      return;
    }
    const grown = writePage(at, bytes);
    if (grown === undefined) return;
    this.#counts.pages++;
    this.#onBytes?.(grown, path);
  }
}
