/** The whole of a job's files on demand: read from the site's folder, and kept while there is room. */
import type { JobAddress } from '../../model/run.js';
import { readStoredJob } from './stored-job.js';
import type { ServerLimits } from '../config/limits.js';
import { addressKey } from './log-entry.js';
import type { JobDetails } from './job-details.js';

/** Rows of TSVs that are kept at the same time; a row takes some 300 bytes. */
const rowsKept = 200_000;

export type ReadDetails = (address: JobAddress) => JobDetails;

export class JobDetailsCache {
  readonly #site: string;
  readonly #limits: ServerLimits;
  /** the least lately used first */
  readonly #kept = new Map<string, JobDetails>();
  #rows = 0;

  constructor(site: string, limits: ServerLimits) {
    this.#site = site;
    this.#limits = limits;
  }

  /** What was just read or received need not be read again. */
  put(address: JobAddress, { record, rows, problems }: JobDetails): void {
    const key = addressKey(address);
    this.delete(address);
    this.#kept.set(key, { ...(record !== undefined && { record }), rows, problems });
    this.#rows += weightOf(rows);
    for (const [oldest, details] of this.#kept) {
      if (this.#rows <= rowsKept) break;
      this.#kept.delete(oldest);
      this.#rows -= weightOf(details.rows);
    }
  }

  delete(address: JobAddress): void {
    const key = addressKey(address);
    const known = this.#kept.get(key);
    if (known === undefined) return;
    this.#kept.delete(key);
    this.#rows -= weightOf(known.rows);
  }

  /** A job whose files have arrived. What cannot be read is among the problems. */
  readonly read: ReadDetails = (address) => {
    const key = addressKey(address);
    const known = this.#kept.get(key);
    if (known === undefined) {
      const details = readStoredJob(this.#site, address, this.#limits);
      this.put(address, details);
      return details;
    }
    this.#kept.delete(key);
    this.#kept.set(key, known);
    return known;
  };
}

/** A record without rows takes room too. */
const weightOf = (rows: JobDetails['rows']): number => rows.length + 5;
