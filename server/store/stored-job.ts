/** Reads a job whose files are in the site. A file that cannot be read is a problem of the job, not an error. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { jobFile } from '../../model/path.js';
import type { FinishedOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { Row } from '../../model/row.js';
import type { JobAddress } from '../../model/run.js';
import { parseDirectoryEnd, tailByteLimit } from '../../wwz/directory.js';
import { checkEnd, readRecord, readRows, type JobEnd } from './job-files.js';
import type { ServerLimits } from '../config/limits.js';
import { sha256, type JobDigests } from './log-entry.js';
import { isMissing } from '../../files/atomic-file.js';

/** Everything that a run page shows of a job. */
export interface JobDetails {
  /** absent if it cannot be read */
  readonly record?: JobRecord;
  readonly rows: readonly Row[];
  /** why the record or the TSV cannot be read */
  readonly problems: readonly string[];
  /** what is wrong with the job's files and does not change its outcome */
  readonly notices?: readonly string[];
}

export interface StoredJob extends JobDetails {
  readonly address: JobAddress;
  /** `error` if there are problems */
  readonly end: JobEnd;
  readonly wwzBytes?: number;
}

/**
 * Reads a job whose JSON exists from the site's folder, and computes the digests of its JSON and TSV. Synchronous,
 * since a start reads thousands of small files, and a read in the thread pool takes ten times longer.
 */
export function readStoredJob(
  site: string,
  address: JobAddress,
  limits: ServerLimits,
): StoredJob & { readonly digests: JobDigests } {
  const at = (suffix: 'json' | 'tsv' | 'wwz'): string => join(site, jobFile(address, suffix));
  const json = readSmall(at('json'), limits.jsonBytes, 'the record');
  const tsv = readSmall(at('tsv'), limits.tsvBytes, 'the TSV');
  const wwz = statSync(at('wwz'), { throwIfNoEntry: false });
  const record = json.ok ? readRecord(json.value) : json;
  const rows = tsv.ok ? readRows(tsv.value) : tsv;
  const job = assembleJob(address, record, rows);
  const wwzNotice = findWwzFault(at('wwz'), wwz, job.end.outcome);
  const notices = [...(job.notices ?? []), ...(wwzNotice === undefined ? [] : [wwzNotice])];
  return {
    ...job,
    ...(notices.length > 0 && { notices }),
    ...(wwz?.isFile() === true && { wwzBytes: wwz.size }),
    digests: {
      json: json.ok ? sha256(json.value) : 'unreadable',
      ...(tsv.ok && { tsv: sha256(tsv.value) }),
    },
  };
}

function readSmall(path: string, maxBytes: number, what: string): Result<Uint8Array> {
  try {
    // Non-blocking: opening a FIFO would otherwise block the whole process.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) return refuse(`cannot read ${what}: not a regular file`);
      const { size } = stats;
      if (size > maxBytes)
        return refuse(`cannot read ${what}: it has ${size} bytes, and the limit is ${maxBytes}`);
      return accept(readFileSync(file));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isMissing(error)) return refuse(`cannot read ${what}: no such file`);
    return refuse(`cannot read ${what}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/**
 * Returns why a wwz cannot be opened: missing, cut off, or not a zip. Reads its end only; `soil-server check` reads every
 * entry. The worker may have been unable to write a wwz if the outcome is `error`.
 */
function findWwzFault(path: string, stats: Stats | undefined, outcome: FinishedOutcome): string | undefined {
  if (stats === undefined) return outcome === 'error' ? undefined : noWwz;
  if (!stats.isFile()) return 'its wwz is not a regular file';
  const end = readEnd(path, stats.size);
  const parsed = end.ok ? parseDirectoryEnd(end.value, stats.size) : end;
  return parsed.ok ? undefined : `its wwz is damaged: ${parsed.error}`;
}

/** The notice of a job without a wwz. A page leaves it out if retention removed the file. */
export const noWwz = 'its wwz is missing: the logs and results of its tasks cannot be shown';

function readEnd(path: string, size: number): Result<Buffer> {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(Math.min(size, tailByteLimit));
      const read = readSync(file, bytes, 0, bytes.length, size - bytes.length);
      return accept(bytes.subarray(0, read));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return refuse(`cannot read it: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** Combines a record and rows. A part that could not be read is a problem, and makes the outcome `error`. Pure. */
export function assembleJob(
  address: JobAddress,
  record: Result<JobRecord>,
  rows: Result<readonly Row[]>,
): Omit<StoredJob, 'wwzBytes'> {
  const problems = [record, rows].flatMap((part) => (part.ok ? [] : [part.error]));
  const end = record.ok && rows.ok ? checkEnd(record.value, rows.value) : undefined;
  if (end?.ok === false) problems.push(end.error);
  return {
    address,
    ...(record.ok && { record: record.value }),
    rows: rows.ok ? rows.value : [],
    problems,
    ...noticesOf(record),
    end: end?.ok === true ? end.value : { outcome: 'error', status: 125 },
  };
}

/** Returns the values of a record that could not be read and are not needed, as notices. */
export const noticesOf = (record: Result<JobRecord>): Pick<JobDetails, 'notices'> =>
  record.ok && record.value.unread !== undefined
    ? { notices: record.value.unread.map((fault) => `the record has ${fault}`) }
    : {};
