/** A job whose files are in the site: read from its folder, or just accepted. Whatever is wrong stays its own. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { jobFile } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { Row } from '../../model/row.js';
import type { JobAddress } from '../../model/run.js';
import { checkEnd, readRecord, readRows, type JobEnd } from './job-files.js';
import type { ServerLimits } from '../config/limits.js';
import { sha256, type JobDigests } from './log-entry.js';
import type { JobDetails } from './job-details.js';
import { isMissing } from '../../files/atomic-file.js';

export interface StoredJob extends JobDetails {
  readonly address: JobAddress;
  /** an `error` where there are problems */
  readonly end: JobEnd;
  readonly wwzBytes?: number;
}

/**
 * Reads a job from the site's folder, with the digests of its JSON and TSV. Its JSON is known to be there; everything
 * else may be missing or bad. Synchronous: of files this small a start reads thousands, and asking the thread pool for
 * each costs ten times what reading them does.
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
  return {
    ...assembleJob(address, record, rows),
    ...(wwz?.isFile() === true && { wwzBytes: wwz.size }),
    digests: {
      json: json.ok ? sha256(json.value) : 'unreadable',
      ...(tsv.ok && { tsv: sha256(tsv.value) }),
    },
  };
}

function readSmall(path: string, maxBytes: number, what: string): Result<Uint8Array> {
  try {
    // Not blocking: a FIFO would hold the whole process until somebody writes to it.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) return refuse(`cannot read ${what}: it is no file`);
      const { size } = stats;
      if (size > maxBytes)
        return refuse(`cannot read ${what}: it has ${size} bytes, more than the limit of ${maxBytes}`);
      return accept(readFileSync(file));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isMissing(error)) return refuse(`cannot read ${what}: it is missing`);
    return refuse(`cannot read ${what}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** Puts what could be read together; what could not becomes a problem, and the job an error. Pure. */
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
    end: end?.ok === true ? end.value : { outcome: 'error', status: 125 },
  };
}
