/** The whole of a job's files on demand: read from the site's folder, and kept while there is room. */
import { LRUCache } from 'lru-cache';
import type { JobAddress } from '../../model/run.js';
import type { ServerLimits } from '../config/limits.js';
import { addressKey } from './log-entry.js';
import { readStoredJob, type JobDetails } from './stored-job.js';

/** Rows of TSVs that are kept at the same time; a row takes some 300 bytes. */
const maxRows = 200_000;

export type ReadDetails = (address: JobAddress) => JobDetails;

export class JobDetailsCache {
  readonly #site: string;
  readonly #limits: ServerLimits;
  readonly #cache = new LRUCache<string, JobDetails>({
    maxSize: maxRows,
    // A record without rows takes memory, too.
    sizeCalculation: ({ rows }) => rows.length + 5,
  });

  constructor(site: string, limits: ServerLimits) {
    this.#site = site;
    this.#limits = limits;
  }

  /** Adds the details of a job that was just read or received. */
  put(address: JobAddress, { record, rows, problems }: JobDetails): void {
    this.#cache.set(addressKey(address), { ...(record !== undefined && { record }), rows, problems });
  }

  delete(address: JobAddress): void {
    this.#cache.delete(addressKey(address));
  }

  /** Returns the details of a stored job, from its files if they are not cached. Files that cannot be read are problems. */
  readonly read: ReadDetails = (address) => {
    const cached = this.#cache.get(addressKey(address));
    if (cached !== undefined) return cached;
    const details = readStoredJob(this.#site, address, this.#limits);
    this.put(address, details);
    return details;
  };
}
