/** Reads the JSON and TSV of a job, and checks that they agree on its outcome. Pure. */
import { foldTasks, isGreen, jobStatus, type FinishedOutcome } from '../../model/outcome.js';
import type { JobRecord } from '../../model/record.js';
import { parseRecord } from '../../model/record-reader.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { parseRows, type Row, type TaskRow } from '../../model/row.js';

/** Refuses bytes that are not UTF-8, since a replacement character would hide what was sent. */
function decodeUtf8(bytes: Uint8Array, what: string): Result<string> {
  try {
    return accept(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse(`cannot read ${what}: not valid UTF-8`);
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

/** The outcome of a job and its exit status. */
export interface JobEnd {
  readonly outcome: FinishedOutcome;
  /** 0 to 255 */
  readonly status: number;
}

/**
 * Returns the outcome and status of a job. Refuses a record that contradicts its rows. A record of schema 0 has no
 * outcome, so the rows decide. The outcome of a later record may be worse than that of its rows (missing image,
 * cancelled, failed container), but never better.
 */
export function checkEnd(record: JobRecord, rows: readonly Row[]): Result<JobEnd> {
  const folded = foldTasks(rows);
  const ended = rows.filter((row) => row.kind === 'row');
  const { outcome = folded, status } = record;
  if (!isAllowedOutcome(outcome, folded)) {
    return refuse(`cannot accept outcome ${quote(outcome)}: the rows of the TSV say ${quote(folded)}`);
  }
  const missing = isGreen(outcome) ? taskWithoutRow(record, ended) : undefined;
  if (missing !== undefined) {
    return refuse(
      `cannot accept outcome ${quote(outcome)}: the TSV has no row for task ${quote(missing)} of the record`,
    );
  }
  const expected = jobStatus(outcome, ended);
  if (status === undefined) return accept({ outcome, status: expected });
  const agrees = isGreen(outcome) || outcome === 'failed' ? status === expected : status !== 0;
  return agrees
    ? accept({ outcome, status })
    : refuse(
        `cannot accept status ${quote(String(status))}: with outcome ${quote(outcome)} and the rows of the TSV it must be ${expected}`,
      );
}

function isAllowedOutcome(outcome: FinishedOutcome, folded: FinishedOutcome): boolean {
  return outcome === folded || outcome === 'error' || (outcome === 'cancelled' && folded !== 'error');
}

/** Finds a task without a row, so that a TSV that was truncated in transfer does not pass. */
function taskWithoutRow({ tasks }: JobRecord, rows: readonly TaskRow[]): string | undefined {
  const known = new Set<string>(rows.map(({ task }) => task));
  return tasks.find(({ name }) => !known.has(name))?.name;
}
