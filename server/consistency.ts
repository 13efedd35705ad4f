/** Whether a job's record and its rows tell the same story, and what its outcome is. Pure. */
import { foldTasks, isGreen, jobStatus, type FinishedOutcome } from '../model/outcome.js';
import type { JobRecord } from '../model/record.js';
import type { Row } from '../model/row.js';

/** A job's end as its record and rows have it together. */
export interface JobEnd {
  readonly outcome: FinishedOutcome;
  /** 0 to 255 */
  readonly status: number;
}

const statusesOf = (rows: readonly Row[]) =>
  rows.map((row) => (row.kind === 'row' ? row : { outcome: row.outcome, status: 125 }));

/**
 * Why a record cannot be believed. It may be worse than its rows (the machinery failed, the job was cancelled), with its
 * reason, and never better: nobody writes a pass over a failure.
 */
export function contradiction(record: JobRecord, rows: readonly Row[]): string | undefined {
  const { outcome, status } = record;
  if (record.schema === 0 || outcome === undefined) return undefined;
  const folded = foldTasks(rows);
  if (outcome !== folded && !(isWorse(outcome) && record.reason !== undefined)) {
    return `outcome is "${outcome}", and the rows of the TSV come to "${folded}"`;
  }
  const expected = jobStatus(outcome, statusesOf(rows));
  if (status !== undefined && status !== expected) {
    return `status is ${status}, and outcome "${outcome}" with these rows has ${expected}`;
  }
  return undefined;
}

const isWorse = (outcome: FinishedOutcome): boolean => outcome === 'error' || outcome === 'cancelled';

/** A finished job's outcome and exit status; a record that contradicts its rows is an error. */
export function endOf(record: JobRecord, rows: readonly Row[]): JobEnd {
  const folded = foldTasks(rows);
  const claimed = record.schema === 0 ? undefined : record.outcome;
  const outcome = contradiction(record, rows) === undefined ? (claimed ?? folded) : 'error';
  const status = jobStatus(outcome, statusesOf(rows));
  return { outcome: isGreen(outcome) && status !== 0 ? 'error' : outcome, status };
}
