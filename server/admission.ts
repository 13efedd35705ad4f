/** Staged files of a job -> a checked record with its address, or a 4xx that names what is wrong. */
import { open, readFile } from 'node:fs/promises';
import type { JobName, WorkerHost } from '../model/name.js';
import { identityOf, type JobRecord } from '../model/record.js';
import { parseRecord } from '../model/record-reader.js';
import { parseRows, type Row } from '../model/row.js';
import type { JobIdentity } from '../model/run.js';
import { verifyWwzHandle } from '../wwz/verify.js';
import { contradiction } from './consistency.js';
import type { StagedFiles } from './job-store.js';
import type { Limits } from './limits.js';
import { answer, refuseWith, type Answered } from './refusal.js';
import { parseUtf8 } from './site-reader.js';

export interface AdmittedJob {
  readonly identity: JobIdentity;
  readonly record: JobRecord;
  readonly rows: readonly Row[];
}

export interface Asked {
  readonly host?: WorkerHost;
  readonly job?: JobName;
}

/** Everything is checked before anything is visible: JSON, TSV, what they say together, and the wwz entry by entry. */
export async function admitJob(
  staged: StagedFiles,
  asked: Asked,
  limits: Limits,
): Promise<Answered<AdmittedJob>> {
  const record = parseUtf8(await readFile(staged.json), 'JSON', parseRecord);
  if (!record.ok) return refuseWith(400, `json: ${record.error}`);
  const identity = identityOf(record.value, asked);
  if (!identity.ok) return refuseWith(400, `json: ${identity.error}`);
  if (staged.tsv === undefined) return refuseWith(400, 'cannot accept the upload: the file tsv is missing');
  const rows = parseUtf8(await readFile(staged.tsv), 'TSV', parseRows);
  if (!rows.ok) return refuseWith(400, `tsv: ${rows.error}`);
  const odd = contradiction(record.value, rows.value);
  if (odd !== undefined) return refuseWith(400, `json: cannot accept the record: ${odd}`);
  if (staged.wwz === undefined) return refuseWith(400, 'cannot accept the upload: the file wwz is missing');
  const handle = await open(staged.wwz, 'r');
  try {
    const wwz = await verifyWwzHandle(handle, limits.wwz);
    if (!wwz.ok) return refuseWith(400, `wwz: ${wwz.error}`);
  } finally {
    await handle.close();
  }
  return answer({ identity: identity.value, record: record.value, rows: rows.value });
}
