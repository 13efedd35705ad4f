/** Writes the files at stable URLs shortly after a change. Changes in quick succession share a write. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JobName } from '../../model/name.js';
import { planStableUrls, type PlannedPage, type PlanSource } from './page-plan.js';
import type { PageChanges } from '../state/page-changes.js';

/** A write starts after this time without changes, since the jobs of a run often finish together. */
const quietMilliseconds = 200;
/** The longest time that a change waits for others. */
const delayMilliseconds = 800;

export class StableUrlWriter {
  readonly #source: PlanSource;
  readonly #write: (page: PlannedPage) => void;
  #branches = new Set<string>();
  #jobs = new Set<JobName>();
  #timer: NodeJS.Timeout | undefined;
  /** when the oldest pending change was made */
  #since = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(source: PlanSource, write: (page: PlannedPage) => void) {
    this.#source = source;
    this.#write = write;
  }

  schedule({ branches, jobs }: PageChanges): void {
    for (const branch of branches) this.#branches.add(branch);
    for (const job of jobs) this.#jobs.add(job);
    if (this.#branches.size + this.#jobs.size === 0) return;
    const now = performance.now();
    if (this.#timer === undefined) this.#since = now;
    clearTimeout(this.#timer);
    const left = this.#since + delayMilliseconds - now;
    this.#timer = setTimeout(
      () => {
        this.#start();
      },
      Math.min(quietMilliseconds, Math.max(0, left)),
    );
  }

  /** Whether a file is pending, or could not be written. */
  get hasPending(): boolean {
    return this.#branches.size + this.#jobs.size > 0;
  }

  /** Writes pending files now. Resolves when they are written or have failed. */
  async flush(): Promise<void> {
    this.#start();
    await this.#writing;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
  }

  /** Writes the pending files. Those that fail, for example on a full disk, are written with the next change. */
  async #writeAll(): Promise<void> {
    const change = { branches: [...this.#branches], jobs: [...this.#jobs] };
    this.#branches = new Set();
    this.#jobs = new Set();
    let isComplete = true;
    for (const page of planStableUrls(this.#source, change)) {
      try {
        this.#write(page);
      } catch {
        isComplete = false;
      }
      // Yield to requests.
      await nextTurn();
    }
    if (!isComplete) {
      for (const branch of change.branches) this.#branches.add(branch);
      for (const job of change.jobs) this.#jobs.add(job);
    }
  }
}
