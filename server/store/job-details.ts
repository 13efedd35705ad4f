/** Everything a run page shows of one job: its record, its rows, and what is wrong with them. */
import type { JobRecord } from '../../model/record.js';
import type { Row } from '../../model/row.js';

/** The whole of a job's files, read when its page is made. */
export interface JobDetails {
  /** absent where it cannot be read */
  readonly record?: JobRecord;
  readonly rows: readonly Row[];
  /** why the record or the TSV cannot be read; shown on the job's own row */
  readonly problems: readonly string[];
}
