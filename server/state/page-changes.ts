/** What pages must follow after something happened: runs, commits, lists, and names that stay. Pure. */
import type { CommitHash, JobName, WorkerHost } from '../../model/name.js';
import type { RunFolder } from '../../model/run.js';

/** What pages must follow. */
export interface PageChanges {
  /** runs whose page changed */
  readonly folders: readonly RunFolder[];
  /** commits whose jobs or artifacts did */
  readonly commits: readonly CommitHash[];
  /** hosts in whose lists a run moved to another place */
  readonly reordered: readonly WorkerHost[];
  /** branches and jobs whose lasting addresses tell of it */
  readonly branches: readonly string[];
  readonly jobs: readonly JobName[];
}

export const noChanges: PageChanges = { folders: [], commits: [], reordered: [], branches: [], jobs: [] };

/** All of them together. */
export function mergeChanges(changes: readonly PageChanges[]): PageChanges {
  return {
    folders: changes.flatMap((change) => change.folders),
    commits: changes.flatMap((change) => change.commits),
    reordered: changes.flatMap((change) => change.reordered),
    branches: changes.flatMap((change) => change.branches),
    jobs: changes.flatMap((change) => change.jobs),
  };
}
