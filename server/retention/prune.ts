/** Plans and executes the prune of a site. Removes a few runs at a time, so that uploads can be stored in between. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommitHash, type CommitHash } from '../../model/name.js';
import { jobFile, mergeEvidence, type RecordSuffix } from '../../model/path.js';
import type { JobAddress } from '../../model/run.js';
import { sha256 } from '../store/log-entry.js';
import { readPins } from './pin-store.js';
import { privateFolder, type PrivateFolder } from '../disk/private-folder.js';
import { measureSite, prunableRuns, type SiteRun } from './prunable-run.js';
import { artifactsToRemove, planPrune, type PlanFacts, type Verdict } from './prune-plan.js';
import type { ArtifactRemoval, Removal, RemovedJob } from '../store/removal-entry.js';
import type { RetentionPolicy } from '../config/retention-policy.js';
import type { Site } from '../site/site.js';
import type { Job, Run, SiteReader } from '../state/site-view.js';
import { isMissing } from '../../files/atomic-file.js';

/** The number of runs to remove in one step. Uploads wait for a step, and a crash leaves at most one unfinished. */
const batchSize = 20;

export interface Pruned {
  /** runs that were removed */
  readonly runs: number;
  /** runs whose wwz files were removed */
  readonly wwz: number;
  readonly bytes: number;
}

/** Returns what a prune would remove now. Changes nothing. */
export async function planSite(
  folder: string,
  { state, paths, policy, now }: PlanOptions,
): Promise<readonly Verdict<SiteRun>[]> {
  const sizes = await measureSite(folder, state);
  return planPrune(prunableRuns(state, sizes), policy, await readFacts(folder, paths, now));
}

export interface PlanOptions {
  readonly state: SiteReader;
  readonly paths: PrivateFolder;
  readonly policy: RetentionPolicy;
  /** seconds since 1970, UTC */
  readonly now: number;
}

export interface PruneOptions {
  readonly policy: RetentionPolicy;
  readonly now: () => number;
  /** stops the prune after the current step */
  readonly stop?: AbortSignal;
}

/** Removes the runs and wwz files that exceed a limit of the policy and are not pinned. Returns how much. */
export async function pruneSite(site: Site, { policy, now, stop }: PruneOptions): Promise<Pruned> {
  const sizes = await measureSite(site.folder, site.view);
  const pruned = { runs: 0, wwz: 0, bytes: 0 };
  for (;;) {
    if (stop?.aborted === true) return pruned;
    const facts = await readFacts(site.folder, privateFolder(site.folder), now());
    // Plan each step again, since an upload in between may pin a run.
    const removed = await site.remove(() => {
      const verdicts = planPrune(prunableRuns(site.view, sizes), policy, facts);
      const chosen = chooseOldest(verdicts);
      for (const { run, tier } of chosen) {
        if (tier === 'run') pruned.runs++;
        else pruned.wwz++;
        pruned.bytes += run.bytes.wwz + (tier === 'run' ? run.bytes.run : 0);
      }
      return entriesOf(site, chosen, { verdicts, time: facts.now });
    });
    if (removed === 0) return pruned;
  }
}

/** Chooses the oldest runs to remove, so that the history has no gaps if the prune stops early. */
function chooseOldest(verdicts: readonly Verdict<SiteRun>[]): readonly Verdict<SiteRun>[] {
  return verdicts
    .filter(({ tier }) => tier !== undefined)
    .reverse()
    .slice(0, batchSize);
}

function entriesOf(
  site: Site,
  chosen: readonly Verdict<SiteRun>[],
  { verdicts, time }: { readonly verdicts: readonly Verdict<SiteRun>[]; readonly time: number },
): readonly (Removal | ArtifactRemoval)[] {
  const removed = new Set(chosen);
  // Runs of later steps still count as kept, since artifacts are removed with the last run of their commit.
  const thisStep = verdicts.map((verdict) =>
    removed.has(verdict) ? verdict : { ...verdict, tier: undefined },
  );
  const artifacts = artifactsToRemove(thisStep).map(({ host, commit, rule }): ArtifactRemoval => {
    return { kind: 'removed-artifacts', time, host, commit, rule, paths: site.view.artifacts(host, commit) };
  });
  const removals = chosen.flatMap(({ run, tier = 'wwz', rule = '' }) =>
    run.folders.map((folder): Removal => {
      const jobs =
        tier === 'run' ? folder.jobs : folder.jobs.filter((job) => job.summary?.wwzBytes !== undefined);
      return {
        ...{ kind: 'removed', time, folder: folder.folder, tier: tier, rule, run: removedRun(folder) },
        jobs: jobs.map((job) => removedJob(site.folder, job)),
      };
    }),
  );
  // Artifacts first: if a crash loses the other entries, the next prune still finds the run.
  return [...artifacts, ...removals.filter(({ tier, jobs }) => tier === 'run' || jobs.length > 0)];
}

/** Returns the facts about a run that remain after its removal. */
function removedRun({ runId, commit, commitLine, branch, startTime }: Run): Removal['run'] {
  return {
    ...(runId !== undefined && { runId }),
    ...(commit !== undefined && { commit }),
    ...(commitLine !== undefined && { commitLine }),
    ...(branch !== undefined && { branch }),
    ...(startTime !== undefined && { startTime }),
  };
}

function removedJob(site: string, { address, outcome, summary }: Job): RemovedJob {
  const json = digestOf(site, address, 'json');
  const tsv = digestOf(site, address, 'tsv');
  const wwzBytes = summary?.wwzBytes ?? summary?.removedWwz?.bytes;
  return {
    ...{ job: address.job, outcome },
    ...(json !== undefined && { json }),
    ...(tsv !== undefined && { tsv }),
    ...(wwzBytes !== undefined && { wwzBytes }),
  };
}

function digestOf(site: string, address: JobAddress, suffix: RecordSuffix): string | undefined {
  try {
    return sha256(readFileSync(join(site, jobFile(address, suffix))));
  } catch {
    return undefined; // missing or unreadable
  }
}

async function readFacts(folder: string, paths: PrivateFolder, now: number): Promise<PlanFacts> {
  return { now, merged: await findMergedCommits(folder), pinned: await readPins(paths) };
}

/** Lists the commits that a gate merged, by their evidence in `merges/COMMIT.json`. */
async function findMergedCommits(folder: string): Promise<ReadonlySet<CommitHash>> {
  const merges = join(folder, mergeEvidence('' as CommitHash), '..');
  const names = await readdir(merges).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return new Set(
    names.flatMap((name) => {
      const commit = parseCommitHash(name.replace(/\.json$/, ''));
      return name.endsWith('.json') && commit.ok ? [commit.value] : [];
    }),
  );
}
