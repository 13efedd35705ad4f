/** Writes the status files of the status API. A status that contradicts the job's stored record is refused. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CommitHash, JobName, RunId, WorkerHost } from '../../model/name.js';
import { statusFile, type SitePath } from '../../model/path.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { folderName, splitFolder, type JobAddress, type JobIdentity } from '../../model/run.js';
import { formatStatus, parseStatus, type JobStatus } from '../../model/status.js';
import type { SiteState } from '../state/site-state.js';
import type { RecordedJob } from '../state/site-view.js';
import type { Sender } from '../store/log-entry.js';
import { writeWhole, isMissing } from '../../files/atomic-file.js';

/** The exit status of a job, as a client reports it. */
export interface StatusUpdate {
  readonly host: WorkerHost;
  /** GITHUB_RUN_ID, sourcehut's job id, or a local run's id */
  readonly run: RunId;
  /** absent: the newest attempt that has a record of the job */
  readonly attempt?: number;
  readonly job: JobName;
  readonly commit?: CommitHash;
  /** 0 to 255 */
  readonly status: number;
  readonly sender?: Sender;
}

export interface WrittenStatus {
  readonly path: SitePath;
  /** why the file was not changed: it is of a newer attempt */
  readonly note?: string;
}

/** Writes the status file of a job. `time`: seconds since 1970, UTC. Must not run concurrently for a site. */
export async function writeStatus(
  site: string,
  state: SiteState,
  { update, time }: { readonly update: StatusUpdate; readonly time: number },
): Promise<Result<WrittenStatus>> {
  const because = (reason: string) =>
    refuse(`cannot write status ${quote(String(update.status))} of job ${quote(update.job)}: ${reason}`);
  const found = findRecordedJob(state, update);
  if (found === undefined) {
    const attempt = update.attempt === undefined ? '' : `, attempt ${update.attempt}`;
    return because(
      `the site has no record of it in run ${quote(update.run)}${attempt}; upload its results first`,
    );
  }
  const { address, outcome, summary } = found;
  if (!summary.isReadable) return because('its stored record cannot be read');
  if (summary.status !== update.status) {
    return because(`its stored record says ${summary.status} (${outcome})`);
  }
  const { commit } = summary.origin;
  if (commit === undefined) return because('its stored record has no commit-hash');
  if (update.commit !== undefined && update.commit !== commit) {
    return because(`its stored record is of commit ${quote(commit)}, not ${quote(update.commit)}`);
  }
  const identity = identityIn(address, update.run, commit);
  const path = statusFile(identity);
  const line: JobStatus = {
    ...summary.conditions,
    status: summary.status,
    host: update.host,
    run: update.host === 'sourcehut' ? (commit as string as RunId) : update.run,
    attempt: splitFolder(address).attempt,
    job: update.job,
    commit,
    outcome,
    time,
  };
  const before = await readStatus(join(site, path));
  if (before !== undefined && before.attempt > line.attempt) {
    return accept({ path, note: `the status of attempt ${before.attempt} is newer, and was kept` });
  }
  const newer = newerOnSourcehut(state, address, commit);
  if (newer !== undefined)
    return accept({ path, note: `the status belongs to job id ${newer}, which is newer` });
  // A repeated request changes nothing, not even the time.
  if (before === undefined || formatStatus({ ...before, time }) !== formatStatus(line)) {
    await mkdir(dirname(join(site, path)), { recursive: true });
    await writeWhole(join(site, path), formatStatus(line), { sync: true });
  }
  return accept({ path });
}

/** Finds the recorded job that a status belongs to. */
function findRecordedJob(
  state: SiteState,
  { host, run, attempt, job, sender }: StatusUpdate,
): RecordedJob | undefined {
  const named = host === 'github' ? state.githubRunName(run) : run;
  const names = [...(named === undefined ? [] : [named]), ...state.ownRuns(host, run, sender)];
  const folders = names.flatMap((name) =>
    attempt === undefined && host !== 'sourcehut'
      ? state.attempts({ host, name }).map((r) => r.folder)
      : [{ host, name: host === 'sourcehut' ? name : folderName(name, attempt ?? 1) }],
  );
  for (const folder of folders) {
    const found = state.recordedJob({ ...folder, job });
    // A folder of Soil's shell server may have jobs of two runs with the same number.
    if (found !== undefined && (host !== 'github' || found.summary.origin.runId === run)) return found;
  }
  return undefined;
}

/**
 * Returns the newest job id with the same status file, if it is another. On sourcehut, jobs of a commit with the same
 * name share a status file.
 */
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

/** Returns the current status; undefined if there is none, or none that can be read. */
async function readStatus(path: string): Promise<JobStatus | undefined> {
  try {
    const parsed = parseStatus(await readFile(path, 'utf8'));
    return parsed.ok ? parsed.value : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
