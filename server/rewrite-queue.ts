/** Rewrites of pages, one after another: changes that come while one runs are taken together by the next. */
import type { CommitHash } from '../model/name.js';
import type { RunFolder } from '../model/run.js';
import type { SiteMemory } from './site-memory.js';
import { planChangedPages, writePages, type RunChange } from './site-writer.js';

/** An older rewrite never lands after a newer one: each renders from the state as it is when its turn comes. */
export class RewriteQueue {
  readonly #site: string;
  readonly #memory: SiteMemory;
  readonly #rewritten: (pages: number, seconds: number) => void;
  #runs = new Map<string, RunChange>();
  #commits = new Set<CommitHash>();
  #next: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(site: string, memory: SiteMemory, rewritten: (pages: number, seconds: number) => void) {
    this.#site = site;
    this.#memory = memory;
    this.#rewritten = rewritten;
  }

  /** `runsBefore`: the number of the host's runs before the change. Resolves when the pages show the change. */
  runChanged(folder: RunFolder, runsBefore: number): Promise<void> {
    const key = `${folder.host}/${folder.name}`;
    const waiting = this.#runs.get(key);
    this.#runs.set(key, { folder, runsBefore: Math.min(runsBefore, waiting?.runsBefore ?? runsBefore) });
    return this.#flush();
  }

  commitChanged(commit: CommitHash): Promise<void> {
    this.#commits.add(commit);
    return this.#flush();
  }

  #flush(): Promise<void> {
    this.#next ??= this.#running.then(async () => {
      this.#next = undefined;
      const runs = [...this.#runs.values()];
      const commits = [...this.#commits];
      this.#runs = new Map();
      this.#commits = new Set();
      const begin = performance.now();
      const pages = await writePages(this.#site, planChangedPages(this.#memory, runs, commits));
      this.#rewritten(pages, (performance.now() - begin) / 1000);
    });
    const flushed = this.#next;
    this.#running = flushed.catch(() => undefined);
    return flushed;
  }

  /** Resolves when nothing is waiting or being written. */
  async idle(): Promise<void> {
    await this.#running;
  }
}
