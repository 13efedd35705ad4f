/** The pages that a change of the state affects: of runs, commits and lists, and the files at stable URLs. Pure. */
import type { CommitHash, JobName, WorkerHost } from '../../model/name.js';
import type { RunFolder } from '../../model/run.js';

export interface PageChanges {
  /** runs whose pages change */
  readonly folders: readonly RunFolder[];
  /** commits whose pages change */
  readonly commits: readonly CommitHash[];
  /** hosts in whose list a run moved or was removed */
  readonly reordered: readonly WorkerHost[];
  /** branches and jobs whose files at stable URLs change */
  readonly branches: readonly string[];
  readonly jobs: readonly JobName[];
}

export const noChanges: PageChanges = { folders: [], commits: [], reordered: [], branches: [], jobs: [] };

/** Merges changes. An item may be in the result several times. */
export function mergeChanges(changes: readonly PageChanges[]): PageChanges {
  return {
    folders: changes.flatMap((change) => change.folders),
    commits: changes.flatMap((change) => change.commits),
    reordered: changes.flatMap((change) => change.reordered),
    branches: changes.flatMap((change) => change.branches),
    jobs: changes.flatMap((change) => change.jobs),
  };
}
