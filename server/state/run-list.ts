/** The list of one host's runs, newest first, with all attempts of a run in one group. Pages are counted in groups. */
import { compareRunNames } from '../../model/run.js';
import type { Run, RunGroup } from './site-view.js';

export type RunSortKey = Pick<Run, 'arrival' | 'run' | 'runId'>;
type AttemptSortKey = Pick<Run, 'arrival' | 'run' | 'runId' | 'attempt'>;

/**
 * Compares two runs; the one that arrived later is first, since names and times are what a worker says. The names decide
 * only between runs whose arrival is not known.
 */
export const compareRuns = (a: RunSortKey, b: RunSortKey): number =>
  b.arrival - a.arrival || compareRunIds(a, b);

/**
 * Compares two runs by their names; the newer one is first. GitHub numbers the runs of each workflow separately, so
 * GITHUB_RUN_ID decides if it is known. A run without it counts as older than every run with it.
 */
export const compareRunIds = (a: Omit<RunSortKey, 'arrival'>, b: Omit<RunSortKey, 'arrival'>): number =>
  compareRunNames(b.runId ?? '', a.runId ?? '') || compareRunNames(b.run, a.run);

/** Compares two attempts; the newer run is first, and within a run the later attempt. */
export const newestFirst = (a: AttemptSortKey, b: AttemptSortKey): number =>
  compareRuns(a, b) || b.attempt - a.attempt;

/** Groups the attempts of each run. Takes runs in any order, and returns the groups newest first. */
export function groupRuns(runs: readonly Run[]): RunGroup[] {
  const groups: [Run, ...Run[]][] = [];
  for (const run of [...runs].sort(newestFirst)) {
    const last = groups.at(-1);
    if (last !== undefined && compareRuns(last[0], run) === 0) last.push(run);
    else groups.push([run]);
  }
  return groups;
}

export class RunList {
  #groups: RunGroup[];

  constructor(runs: readonly Run[] = []) {
    this.#groups = groupRuns(runs);
  }

  get groups(): readonly RunGroup[] {
    return this.#groups;
  }

  /** Returns the index of a run, or where to insert it. */
  position(run: RunSortKey): number {
    let [low, high] = [0, this.#groups.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = this.#groups[middle];
      if (found !== undefined && compareRuns(found[0], run) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  put(run: Run): void {
    const index = this.position(run);
    const found = this.#groups[index];
    const isFound = found !== undefined && compareRuns(found[0], run) === 0;
    const others = isFound ? found.filter((other) => other.attempt !== run.attempt) : [];
    const [group] = groupRuns([...others, run]);
    if (group !== undefined) this.#groups.splice(index, isFound ? 1 : 0, group);
  }

  /** Removes a run. Its sort key must be the same as when it was put. */
  remove(run: Run): void {
    const index = this.position(run);
    const found = this.#groups[index];
    if (found === undefined || compareRuns(found[0], run) !== 0) return;
    const [group] = groupRuns(found.filter((other) => other.attempt !== run.attempt));
    this.#groups.splice(index, 1, ...(group === undefined ? [] : [group]));
  }
}
