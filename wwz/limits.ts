/** Limits for accepting a wwz, and the results of a job with it. */
import { maxRows } from '../model/row.js';
import { maxExpectedJobs } from '../model/run.js';
import type { UploadLimits } from '../model/upload-limits.js';

export interface WwzLimits {
  /** files and folders */
  readonly entries: number;
  /** of the central directory */
  readonly directoryBytes: number;
  /** of one entry, inflated */
  readonly entryBytes: number;
  /** of all entries together, inflated */
  readonly totalBytes: number;
  /** inflated bytes per compressed byte of each entry */
  readonly ratio: number;
}

/**
 * A job of 22,000 files and 100 MB needs a third of these entries. More entries would need Zip64. Deflate cannot exceed a
 * ratio of 1,032, which a log that repeats one line nearly reaches, so the default ratio refuses only forged sizes.
 * `totalBytes` limits the time of verification.
 */
export const defaultWwzLimits: WwzLimits = {
  entries: 65_534,
  directoryBytes: 32 * 2 ** 20,
  entryBytes: 2 ** 30,
  totalBytes: 4 * 2 ** 30,
  ratio: 1100,
};

const MiB = 2 ** 20;

/** What a server accepts unless soil-server.yml says otherwise: enough for a report of 1 GB. */
export const defaultUploadLimits: UploadLimits = {
  ...{ bodyBytes: 2100 * MiB, wwzBytes: 2048 * MiB, tsvBytes: 16 * MiB, jsonBytes: 4 * MiB },
  ...defaultWwzLimits,
  ...{ rows: maxRows, expectedJobs: maxExpectedJobs, artifactBytes: 2048 * MiB },
};
