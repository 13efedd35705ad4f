/** The files of a job in a staging folder -> a job that may be stored, or the first thing that is wrong with it. */
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

/** Where the files of a job are while they are looked at, each under its suffix. */
export const stagedFile = (folder: string, suffix: RecordSuffix): string => join(folder, `job.${suffix}`);

/** A job whose files are whole and agree with each other. */
export interface StagedJob {
  readonly folder: string;
  readonly record: JobRecord;
  readonly rows: readonly Row[];
  readonly end: JobEnd;
  /** absent for a job whose machinery failed before there was anything to pack */
  readonly wwzBytes?: number;
  readonly digests: JobDigests;
}

/**
 * Checks what was received. JSON and TSV must be there; the wwz may be missing only where the record's outcome is
 * `error`: then there may have been nothing left to write one with. `wwzDigest`: the wwz's SHA-256, where it was computed
 * as it came in.
 */
export async function checkStaged(
  folder: string,
  { job: asked, wwzDigest }: { readonly job: JobName; readonly wwzDigest: string | undefined },
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
    return refuse('cannot accept the upload: wwz is missing, and the outcome of the record is not "error"');
  }
  return accept({
    folder,
    record: { ...record.value, job: record.value.job ?? asked },
    rows: rows.value,
    end: end.value,
    ...(wwzBytes.value !== undefined && { wwzBytes: wwzBytes.value }),
    digests: { json: sha256(json), tsv: sha256(tsv), ...(wwzDigest !== undefined && { wwz: wwzDigest }) },
  });
}

/** Synchronous: of files that were just written, and this small. */
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
