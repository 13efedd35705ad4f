/** Finds the runs that a prune can remove, with the sizes of their files. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { workerHosts, type CommitHash, type JobName, type WorkerHost } from '../../model/name.js';
import { foldJobs, type JobOutcome } from '../../model/outcome.js';
import { isOwnRun } from '../../model/run.js';
import { commitArtifactFolder, jobFile, type SitePath } from '../../model/path.js';
import type { PrunableRun } from './prune-plan.js';
import { newestFirst } from '../state/run-list.js';
import { knownStart, type Job, type Run, type SiteReader } from '../state/site-view.js';

/** `folders`: the run folders that belong to it, newest first. */
export interface SiteRun extends PrunableRun {
  readonly folders: readonly Run[];
}

/** Bytes of JSON and TSV by `HOST FOLDER`, and of artifacts by `HOST COMMIT`. */
export type Sizes = ReadonlyMap<string, number>;

const sizeKey = (host: WorkerHost, name: string): string => `${host} ${name}`;

/** The number of runs to measure before yielding to other work. */
const batchSize = 200;

/** Measures every file except wwz files, whose sizes are in the state. A missing file has size 0. */
export async function measureSite(site: string, state: SiteReader): Promise<Sizes> {
  const sizes = new Map<string, number>();
  const sizeOf = (path: string): number => statSync(join(site, path), { throwIfNoEntry: false })?.size ?? 0;
  const runs = workerHosts.flatMap((host) => state.groups(host).flat());
  for (const [index, { folder, jobs }] of runs.entries()) {
    if (index % batchSize === 0) await new Promise(setImmediate);
    const files = jobs.flatMap(({ address }): SitePath[] => [
      jobFile(address, 'json'),
      jobFile(address, 'tsv'),
    ]);
    sizes.set(
      sizeKey(folder.host, folder.name),
      files.reduce((sum, path) => sum + sizeOf(path), 0),
    );
  }
  for (const commit of state.commits()) {
    for (const host of workerHosts) {
      const root = commitArtifactFolder(host, commit);
      const paths = state.artifacts(host, commit);
      if (paths.length === 0) continue;
      sizes.set(
        sizeKey(host, commit),
        paths.reduce((sum, path) => sum + sizeOf(`${root}/${path}`), 0),
      );
    }
  }
  return sizes;
}

/** Lists every run of the site, with its attempts as one; on sourcehut, with all jobs of a commit as one. */
export function prunableRuns(state: SiteReader, sizes: Sizes): readonly SiteRun[] {
  return workerHosts.flatMap((host) => {
    const groups = new Map<string, Run[]>();
    for (const run of state.groups(host).flat()) {
      const key = host === 'sourcehut' ? (run.commit ?? `job ${run.folder.name}`) : run.run;
      groups.set(key, [...(groups.get(key) ?? []), run]);
    }
    return [...groups.values()].flatMap((folders) => siteRun(state, sizes, folders.sort(newestFirst)) ?? []);
  });
}

function siteRun(state: SiteReader, sizes: Sizes, folders: readonly Run[]): SiteRun | undefined {
  const [newest] = folders;
  if (newest === undefined) return undefined;
  const { host } = newest.folder;
  const jobs = folders.flatMap((run) => run.jobs);
  const commits = [...new Set(jobs.flatMap((job) => job.summary?.origin.commit ?? []))];
  for (const { commit } of folders)
    if (commit !== undefined && !commits.includes(commit)) commits.push(commit);
  const branch = folders.flatMap((run) => run.branch ?? [])[0];
  const origin = jobs.flatMap((job) => job.summary?.origin ?? [])[0];
  const times = jobs.flatMap((job) => knownStart(job) ?? job.events.lastTime ?? []);
  const sourcehutCommits = host === 'sourcehut' ? commits : [];
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    ...{ host, folders, commits, arrival: newest.arrival, run: newest.run },
    ...(newest.runId !== undefined && { runId: newest.runId }),
    ...(isOwnRun(newest.run) && { isOwn: true }),
    names: [...new Set([...folders.flatMap((run) => [run.run, run.folder.name]), ...sourcehutCommits])],
    ...(branch !== undefined && {
      branch,
      lineage: JSON.stringify([branch, origin?.repository, origin?.workflow]),
    }),
    outcome: foldJobs(lastOutcomes(jobs)),
    isUnfinished: jobs.some(({ outcome }) => outcome === 'running' || outcome === 'expected'),
    ...(times.length > 0 && { time: Math.max(...times) }),
    bytes: {
      wwz: sum(jobs.map((job) => job.summary?.wwzBytes ?? 0)),
      run: sum(folders.map(({ folder }) => sizes.get(sizeKey(host, folder.name)) ?? 0)),
    },
    artifactBytes: measureArtifacts(state, sizes, { host, commits }),
  };
}

function measureArtifacts(
  state: SiteReader,
  sizes: Sizes,
  { host, commits }: { readonly host: WorkerHost; readonly commits: readonly CommitHash[] },
): ReadonlyMap<CommitHash, number> {
  return new Map(
    commits
      .filter((commit) => state.artifacts(host, commit).length > 0)
      .map((commit) => [commit, sizes.get(sizeKey(host, commit)) ?? 0]),
  );
}

/** Returns the outcome of each job, in its last attempt. `jobs`: newest first. */
function lastOutcomes(jobs: readonly Job[]): readonly JobOutcome[] {
  const newest = new Map<JobName, JobOutcome>();
  for (const { address, outcome } of jobs) if (!newest.has(address.job)) newest.set(address.job, outcome);
  return [...newest.values()];
}
