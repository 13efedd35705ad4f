/** Reads the record and rows of jobs from the site's folder, and caches them. */
import { LRUCache } from 'lru-cache';
import type { JobAddress } from '../../model/run.js';
import type { ServerLimits } from '../config/limits.js';
import { addressKey } from './log-entry.js';
import { readStoredJob, type JobDetails } from './stored-job.js';

/** The number of rows to cache; a row takes about 300 bytes. */
const maxRows = 200_000;

export type ReadDetails = (address: JobAddress) => JobDetails;

export class JobDetailsCache {
  readonly #site: string;
  readonly #limits: ServerLimits;
  readonly #cache = new LRUCache<string, JobDetails>({
    maxSize: maxRows,
    // A record without rows also takes memory.
    sizeCalculation: ({ rows }) => rows.length + 5,
  });

  constructor(site: string, limits: ServerLimits) {
    this.#site = site;
    this.#limits = limits;
  }

  /** Adds the details of a job that was just read or received. */
  put(address: JobAddress, { record, rows, problems, notices }: JobDetails): void {
    this.#cache.set(addressKey(address), {
      ...(record !== undefined && { record }),
      ...{ rows, problems },
      ...(notices !== undefined && { notices }),
    });
  }

  delete(address: JobAddress): void {
    this.#cache.delete(addressKey(address));
  }

  /** Returns the details of a stored job. A file that cannot be read is a problem in them, not an error. */
  readonly read: ReadDetails = (address) => {
    const cached = this.#cache.get(addressKey(address));
    if (cached !== undefined) return cached;
    const details = readStoredJob(this.#site, address, this.#limits);
    this.put(address, details);
    return details;
  };
}
