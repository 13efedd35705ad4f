/** Files under names that stay -> written soon after what they tell of changed, many changes at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JobName } from '../../model/name.js';
import { planStableUrls, type PlannedPage, type PlanSource } from './page-plan.js';
import type { PageChanges } from '../state/page-changes.js';

/** So long nothing else must have changed: the jobs of a run end together. */
const quietMilliseconds = 200;
/** So long a change waits at most while others come, short enough for who looks. */
const delayMilliseconds = 800;

export class StableUrlWriter {
  readonly #source: PlanSource;
  readonly #write: (page: PlannedPage) => void;
  #branches = new Set<string>();
  #jobs = new Set<JobName>();
  #timer: NodeJS.Timeout | undefined;
  /** when the oldest change that waits came */
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
        this.#flush();
      },
      Math.min(quietMilliseconds, Math.max(0, left)),
    );
  }

  /** Something waits, or could not be written. */
  get hasPending(): boolean {
    return this.#branches.size + this.#jobs.size > 0;
  }

  /** Writes what waits now, and settles when all is written. */
  async flush(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
  }

  /** After a failure, a full disk say, they follow with the next change. */
  async #writeAll(): Promise<void> {
    const change = { branches: [...this.#branches], jobs: [...this.#jobs] };
    this.#branches = new Set();
    this.#jobs = new Set();
    let isWhole = true;
    for (const page of planStableUrls(this.#source, change)) {
      try {
        this.#write(page);
      } catch {
        isWhole = false;
      }
      // An upload that comes meanwhile goes first.
      await nextTurn();
    }
    if (!isWhole) {
      for (const branch of change.branches) this.#branches.add(branch);
      for (const job of change.jobs) this.#jobs.add(job);
    }
  }
}
