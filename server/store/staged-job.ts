/** Checks the files of an upload in its staging folder. */
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobName } from '../../model/name.js';
import type { RecordSuffix } from '../../model/path.js';
import type { JobRecord } from '../../model/record.js';
import { accept, refuse, type Result } from '../../model/result.js';
import type { Row } from '../../model/row.js';
import { verifyWwzHandle } from '../../wwz/verify.js';
import { checkEnd, readRecord, readRows, type JobEnd } from './job-files.js';
import type { ServerLimits } from '../config/limits.js';
import { sha256, type JobDigests } from './log-entry.js';
import { isMissing } from '../../files/atomic-file.js';

/** Returns the path of a job's file in a staging folder. */
export const stagedFile = (folder: string, suffix: RecordSuffix): string => join(folder, `job.${suffix}`);

/** A job whose files are valid and agree with each other. */
export interface StagedJob {
  readonly folder: string;
  readonly record: JobRecord;
  readonly rows: readonly Row[];
  readonly end: JobEnd;
  /** absent for a job that failed before its wwz was written */
  readonly wwzBytes?: number;
  readonly digests: JobDigests;
}

/**
 * Checks the files of a job. JSON and TSV are required. The wwz may be missing only if the record's outcome is `error`,
 * since the worker may have been unable to write one. `wwzDigest`: the SHA-256 of the wwz, if computed during the
 * upload.
 */
export async function checkStaged(
  folder: string,
  { job: expectedJob, wwzDigest }: { readonly job: JobName; readonly wwzDigest: string | undefined },
  limits: ServerLimits,
): Promise<Result<StagedJob>> {
  const json = readOrMissing(stagedFile(folder, 'json'));
  if (json === undefined) return refuse('cannot accept the upload: json is missing');
  const tsv = readOrMissing(stagedFile(folder, 'tsv'));
  if (tsv === undefined) return refuse('cannot accept the upload: tsv is missing');
  const record = readRecord(json);
  if (!record.ok) return refuse(`json: ${record.error}`);
  const rows = readRows(tsv);
  if (!rows.ok) return refuse(`tsv: ${rows.error}`);
  const end = checkEnd(record.value, rows.value);
  if (!end.ok) return refuse(`json: ${end.error}`);
  const wwzBytes = await checkWwz(stagedFile(folder, 'wwz'), limits);
  if (!wwzBytes.ok) return refuse(`wwz: ${wwzBytes.error}`);
  if (wwzBytes.value === undefined && record.value.outcome !== 'error') {
    return refuse('cannot accept the upload: wwz is missing, and the outcome in the record is not "error"');
  }
  return accept({
    folder,
    record: { ...record.value, job: record.value.job ?? expectedJob },
    rows: rows.value,
    end: end.value,
    ...(wwzBytes.value !== undefined && { wwzBytes: wwzBytes.value }),
    digests: { json: sha256(json), tsv: sha256(tsv), ...(wwzDigest !== undefined && { wwz: wwzDigest }) },
  });
}

/** Synchronous: the files are small and were just written. */
function readOrMissing(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function checkWwz(path: string, limits: ServerLimits): Promise<Result<number | undefined>> {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return accept(undefined);
  const handle = await open(path, 'r');
  try {
    const verified = await verifyWwzHandle(handle, limits.wwz);
    return verified.ok ? accept(size) : verified;
  } finally {
    await handle.close();
  }
}
