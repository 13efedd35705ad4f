/** A job's end -> its line in the status API, only ever as the stored record says: nobody can claim a 0 that was none. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CommitHash, JobName, RunId, WorkerHost } from '../../model/name.js';
import { statusFile, type SitePath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { folderName, splitFolder, type JobAddress, type JobIdentity } from '../../model/run.js';
import { formatStatus, parseStatus, type JobStatus } from '../../model/status.js';
import type { SiteState } from '../state/site-state.js';
import type { RecordedJob } from '../state/site-view.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

/** Whose status, and what its sender says it is. */
export interface StatusUpdate {
  readonly host: WorkerHost;
  /** GITHUB_RUN_ID, sourcehut's job id, or a local run's id */
  readonly run: RunId;
  /** absent: the newest attempt that has the job */
  readonly attempt?: number;
  readonly job: JobName;
  readonly commit?: CommitHash;
  /** 0 to 255 */
  readonly status: number;
}

export interface WrittenStatus {
  readonly path: SitePath;
  /** why the file stays as it is: it is of a newer attempt */
  readonly note?: string;
}

/** Writes it; `time` in seconds since 1970, UTC. One call at a time for a site. */
export async function writeStatus(
  site: string,
  state: SiteState,
  { wish, time }: { readonly wish: StatusUpdate; readonly time: number },
): Promise<Result<WrittenStatus>> {
  const because = (reason: string) =>
    refuse(`cannot write status ${quote(String(wish.status))} of job ${quote(wish.job)}: ${reason}`);
  const found = findArrived(state, wish);
  if (found === undefined) {
    const attempt = wish.attempt === undefined ? '' : `, attempt ${wish.attempt}`;
    return because(
      `the site has no record of it for run ${quote(wish.run)}${attempt}; upload its results first`,
    );
  }
  const { address, outcome, summary } = found;
  if (!summary.isReadable) return because('its stored record cannot be read');
  if (summary.status !== wish.status) {
    return because(`its stored record says ${summary.status} (${outcome})`);
  }
  const { commit } = summary.origin;
  if (commit === undefined) return because('its stored record has no commit-hash');
  if (wish.commit !== undefined && wish.commit !== commit) {
    return because(`its stored record is of commit ${quote(commit)}, not ${quote(wish.commit)}`);
  }
  const identity = identityIn(address, wish.run, commit);
  const path = statusFile(identity);
  const line: JobStatus = {
    status: summary.status,
    host: wish.host,
    run: wish.host === 'sourcehut' ? (commit as string as RunId) : wish.run,
    attempt: splitFolder(address).attempt,
    job: wish.job,
    commit,
    outcome,
    time,
  };
  const before = await readStatus(join(site, path));
  if (before !== undefined && before.attempt > line.attempt) {
    return accept({ path, note: `the status of attempt ${before.attempt} stays, since it is newer` });
  }
  const newer = newerOnSourcehut(state, address, commit);
  if (newer !== undefined)
    return accept({ path, note: `the status is left to job id ${newer}, since it is newer` });
  // The same again keeps its time: a repeated request changes nothing.
  if (before === undefined || formatStatus({ ...before, time }) !== formatStatus(line)) {
    await mkdir(dirname(join(site, path)), { recursive: true });
    await writeWhole(join(site, path), formatStatus(line), { sync: true });
  }
  return accept({ path });
}

/** The stored job that a status is of: exactly its run, attempt and name. */
function findArrived(state: SiteState, { host, run, attempt, job }: StatusUpdate): RecordedJob | undefined {
  if (host === 'sourcehut') return state.recordedJob({ host, name: run, job });
  const base = host === 'github' ? state.runFolders.baseOf(run) : run;
  if (base === undefined) return undefined;
  const folders =
    attempt === undefined
      ? state.attempts({ host, name: base }).map((r) => r.folder)
      : [{ host, name: folderName(base, attempt) }];
  for (const folder of folders) {
    const found = state.recordedJob({ ...folder, job });
    // A folder of an old Soil may hold jobs of two runs with the same number.
    if (found !== undefined && (host !== 'github' || found.summary.origin.runId === run)) return found;
  }
  return undefined;
}

/** On sourcehut a commit's job that is submitted again is another job id, with the same status file. */
function newerOnSourcehut(
  state: SiteState,
  { host, name, job }: JobAddress,
  commit: CommitHash,
): string | undefined {
  if (host !== 'sourcehut') return undefined;
  const newest = state
    .jobsOfCommit(commit)
    .find((j) => j.address.host === host && j.address.job === job && j.summary !== undefined);
  return newest === undefined || newest.address.name === name ? undefined : newest.address.name;
}

function identityIn(address: JobAddress, run: RunId, commit: CommitHash): JobIdentity {
  const { host, job, name } = address;
  const { attempt } = splitFolder(address);
  switch (host) {
    case 'github':
      return { host, number: name, runId: run, attempt, job };
    case 'sourcehut':
      return { host, jobId: name, commit, job };
    case 'local':
      return { host, run, attempt, job };
  }
}

/** The line that is there; undefined where there is none that this Soil could have written. */
async function readStatus(path: string): Promise<JobStatus | undefined> {
  try {
    const parsed = parseStatus(await readFile(path, 'utf8'));
    return parsed.ok ? parsed.value : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
