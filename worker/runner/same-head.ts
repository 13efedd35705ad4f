/** Checks that the tasks of a job did not change which commit and branch are checked out. */
import { readHeadName } from '../git/git-head.js';
import type { RunJobOptions } from '../record/progress.js';

/**
 * Remembers HEAD. The function that it returns says why the job is an error: with another HEAD, a later job would pass for
 * a commit that is not the one that its run is about. A job with `git: writable` may change it.
 */
export async function watchHead({ repo, job }: RunJobOptions): Promise<() => Promise<string | undefined>> {
  if (job.git === 'writable') return () => Promise.resolve(undefined);
  const before = await readHeadName(repo);
  return async () => {
    const after = await readHeadName(repo);
    if (after === before) return undefined;
    const [was, is] = [before, after].map((head) => head ?? 'no git repository');
    return `HEAD was ${was} when the job began, and is ${is} now; a task that must change it needs git: writable`;
  };
}
