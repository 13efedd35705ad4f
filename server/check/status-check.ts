/** Checks the files of the status API against the records of their jobs. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { statusRoot } from '../../model/path.js';
import { parseStatus, type JobStatus } from '../../model/status.js';
import { folderName } from '../../model/run.js';
import type { Finding } from './finding.js';
import type { RecordedJob, SiteReader } from '../state/site-view.js';
import { isTemporaryName, isMissing } from '../../files/atomic-file.js';

export async function checkStatuses(site: string, state: SiteReader): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const name of await filesBelow(join(site, statusRoot))) {
    const path = `${statusRoot}/${name}`;
    if (isTemporaryName(name.slice(name.lastIndexOf('/') + 1))) {
      findings.push({ kind: 'stray', path, reason: 'a temporary file of an interrupted write' });
      continue;
    }
    const parsed = parseStatus(await readFile(join(site, path), 'utf8'));
    const reason = parsed.ok ? contradiction(parsed.value, state) : parsed.error;
    if (reason !== undefined) findings.push({ kind: 'damaged', path, reason });
  }
  return findings;
}

function contradiction(status: JobStatus, state: SiteReader): string | undefined {
  const found = recordsOf(status, state);
  if (found.length === 0) return 'no record has this status';
  const agrees = found.some(
    ({ summary, outcome }) =>
      summary.status === status.status &&
      outcome === status.outcome &&
      summary.origin.commit === status.commit,
  );
  return agrees ? undefined : 'the record contradicts this status';
}

/** Finds the records that a status may be from. On sourcehut, it is from any job of the commit with that name. */
function recordsOf(
  { host, run, attempt, job, commit }: JobStatus,
  state: SiteReader,
): readonly RecordedJob[] {
  if (host === 'sourcehut') {
    return state.jobsOfCommit(commit).flatMap(({ address }) => {
      const matches = address.host === host && address.job === job;
      return matches ? (state.recordedJob(address) ?? []) : [];
    });
  }
  const base = host === 'github' ? state.githubRunName(run) : run;
  if (base === undefined) return [];
  const recorded = state.recordedJob({ host, name: folderName(base, attempt), job });
  return recorded === undefined ? [] : [recorded];
}

async function filesBelow(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
