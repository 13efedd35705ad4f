/** The runs of one host in the order of its lists, with all attempts of a run together: what paging counts. */
import { compareRunNames } from '../../model/run.js';
import type { Run, RunGroup } from './site-view.js';

type RunPlace = Pick<Run, 'run' | 'runId'>;
type AttemptPlace = Pick<Run, 'run' | 'runId' | 'attempt'>;

/**
 * The order of runs, the newest first. GitHub numbers runs for each workflow, so that the numbers of two workflows say
 * nothing of each other: where GITHUB_RUN_ID is known it decides. A run without one is older than all that have one.
 */
export function compareRuns(a: RunPlace, b: RunPlace): number {
  return compareRunNames(b.runId ?? '', a.runId ?? '') || compareRunNames(b.run, a.run);
}

/** Newest first, and of one run the latest attempt first. */
export const newestFirst = (a: AttemptPlace, b: AttemptPlace): number =>
  compareRuns(a, b) || b.attempt - a.attempt;

/** Runs in any order -> groups in the order of a list. */
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

  /** Where the run stands, or would stand. */
  position(run: RunPlace): number {
    let [low, high] = [0, this.#groups.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = this.#groups[middle];
      if (there !== undefined && compareRuns(there[0], run) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  put(run: Run): void {
    const index = this.position(run);
    const there = this.#groups[index];
    const isKnown = there !== undefined && compareRuns(there[0], run) === 0;
    const others = isKnown ? there.filter((other) => other.attempt !== run.attempt) : [];
    const [group] = groupRuns([...others, run]);
    if (group !== undefined) this.#groups.splice(index, isKnown ? 1 : 0, group);
  }

  /** Takes a run out, by the names it had when it was put in. */
  remove(run: Run): void {
    const index = this.position(run);
    const there = this.#groups[index];
    if (there === undefined || compareRuns(there[0], run) !== 0) return;
    const [group] = groupRuns(there.filter((other) => other.attempt !== run.attempt));
    this.#groups.splice(index, 1, ...(group === undefined ? [] : [group]));
  }
}
