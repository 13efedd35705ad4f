/** The JSON and TSV of a job, as bytes -> the job's record, rows and outcome, and what is wrong with them. Pure. */
import { foldTasks, isGreen, jobStatus, type FinishedOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseRows, type Row, type TaskRow } from '../../model/row.js';

/** Strict: a byte that is no UTF-8 must not become a replacement character that hides what was sent. */
function decodeUtf8(bytes: Uint8Array, what: string): Result<string> {
  try {
    return accept(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse(`cannot read ${what}: it is not UTF-8`);
  }
}

export function readRecord(bytes: Uint8Array): Result<JobRecord> {
  const text = decodeUtf8(bytes, 'the record');
  return text.ok ? parseRecord(text.value) : text;
}

export function readRows(bytes: Uint8Array): Result<readonly Row[]> {
  const text = decodeUtf8(bytes, 'the TSV');
  return text.ok ? parseRows(text.value) : text;
}

/** How a job ended: an outcome and the exit status that goes with it. */
export interface JobEnd {
  readonly outcome: FinishedOutcome;
  /** 0 to 255 */
  readonly status: number;
}

/**
 * What a record and its rows say together. A record of schema 0 says nothing of its outcome: the rows alone do. A later
 * one may know more than its rows (no image, cancelled, the machinery failed), but never something better.
 */
export function checkEnd(record: JobRecord, rows: readonly Row[]): Result<JobEnd> {
  const folded = foldTasks(rows);
  const ended = rows.filter((row) => row.kind === 'row');
  const { outcome = folded, status } = record;
  if (!mayClaim(outcome, folded)) {
    return refuse(`cannot accept outcome ${quote(outcome)}: the rows of the TSV say ${quote(folded)}`);
  }
  const lost = isGreen(outcome) ? taskWithoutRow(record, ended) : undefined;
  if (lost !== undefined) {
    return refuse(
      `cannot accept outcome ${quote(outcome)}: the record has task ${quote(lost)}, and the TSV no row of it`,
    );
  }
  const expected = jobStatus(outcome, ended);
  if (status === undefined) return accept({ outcome, status: expected });
  const agrees = isGreen(outcome) || outcome === 'failed' ? status === expected : status !== 0;
  return agrees
    ? accept({ outcome, status })
    : refuse(
        `cannot accept status ${quote(String(status))}: the outcome ${quote(outcome)} and the rows of the TSV make it ${expected}`,
      );
}

function mayClaim(outcome: FinishedOutcome, folded: FinishedOutcome): boolean {
  return outcome === folded || outcome === 'error' || (outcome === 'cancelled' && folded !== 'error');
}

/** A TSV that lost its last rows on the way must not become a pass. */
function taskWithoutRow({ tasks }: JobRecord, rows: readonly TaskRow[]): string | undefined {
  const known = new Set<string>(rows.map(({ task }) => task));
  return tasks.find(({ name }) => !known.has(name))?.name;
}
