/** Keeps the pages of an open site up to date: after a start, and after each change. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../files/atomic-file.js';
import { branchRoot, historyRoot } from '../../model/path.js';
import { removeTemporary } from '../disk/site-files.js';
import { planAll, type PlanSource } from '../pages/page-plan.js';
import { PageWriter, type PageWriterCounts, type PageWriterEvents } from '../pages/page-writer.js';
import { PendingUploads } from '../pages/pending-uploads.js';
import type { PageChanges } from '../state/page-changes.js';
import type { LoadedSite } from './load-site.js';

export class PageUpdater {
  readonly #folder: string;
  readonly #loaded: LoadedSite;
  readonly #writer: PageWriter;
  readonly #uploads = new PendingUploads();
  #isRefreshed = false;

  constructor(folder: string, loaded: LoadedSite, { onRewrite, onBytes }: PageWriterEvents = {}) {
    const { state, details, stale } = loaded;
    this.#folder = folder;
    this.#loaded = loaded;
    this.#writer = new PageWriter(folder, {
      ...{ state, details: details.read, uploads: this.#uploads, onRewrite, onBytes },
      ...(stale !== 'all' && { totals: stale.totals }),
    });
  }

  counts(): PageWriterCounts {
    return this.#writer.counts();
  }

  /** Writes the pages that a crash, or another version of Soil, left stale. Returns how many files changed. */
  async refresh(): Promise<number> {
    const before = this.#writer.counts().pages;
    await this.#refresh();
    this.#isRefreshed = true;
    return this.#writer.counts().pages - before;
  }

  async #refresh(): Promise<void> {
    const { state, details, stale, removed } = this.#loaded;
    const isCurrent = stale !== 'all' && stale.change.folders.length + stale.change.commits.length === 0;
    if (isCurrent) return this.#writer.schedule(stale.change);
    await removeTemporary(this.#folder);
    if (stale === 'all') {
      await this.#writer.writeAll();
      await this.#writer.schedule(removed);
    } else {
      // Just before the crash, a job may have moved its run to another branch, so pages of any branch may be stale.
      await this.#writer.schedule({ ...stale.change, branches: [...state.branches()] });
    }
    await removeStaleUrls(this.#folder, { state, details: details.read });
  }

  /**
   * Resolves when the pages show the changes; rejects if one cannot be written. A caller need not handle the rejection.
   */
  schedule(changes: PageChanges): Promise<void> {
    if (changes.folders.length === 0 && changes.commits.length === 0) return Promise.resolve();
    const written = this.#writer.schedule(changes);
    written.catch(() => undefined);
    return written;
  }

  /** Runs the last part of an upload. A rewrite waits briefly for tracked uploads, so that it includes them. */
  trackUpload<T>(work: () => Promise<T>): Promise<T> {
    return this.#uploads.track(work);
  }

  /** Resolves when no page is being written. */
  idle(): Promise<void> {
    return this.#writer.idle();
  }

  /** Writes every page that is pending or failed before. Returns whether the pages show the whole state. */
  async flush(): Promise<boolean> {
    return (await this.#writer.flush()) && this.#isRefreshed;
  }
}

/**
 * Removes files at stable URLs that are not planned. Only needed after a crash: a running server removes them itself.
 */
async function removeStaleUrls(site: string, source: PlanSource): Promise<void> {
  const planned = new Set<string>();
  for (const { path } of planAll(source)) planned.add(path);
  for (const root of [branchRoot, historyRoot]) {
    const entries = await readdir(join(site, root), { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      },
    );
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !planned.has(path.slice(site.length + 1))) await rm(path, { force: true });
    }
  }
}
