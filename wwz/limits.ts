/** How large a wwz may be. Plain data; every number is a setting of whoever accepts one. */

export interface WwzLimits {
  /** files and folders */
  readonly entries: number;
  /** of the central directory */
  readonly directoryBytes: number;
  /** of one entry, inflated */
  readonly entryBytes: number;
  /** of all entries together, inflated */
  readonly totalBytes: number;
  /** inflated bytes for one compressed byte, for each entry */
  readonly ratio: number;
}

/**
 * Room for three times a job of 22,000 files and 100 MB. One entry more would need Zip64. Deflate cannot exceed a ratio
 * of 1,032, and a log that repeats one line comes near it: the default refuses only what lies, and `totalBytes` keeps
 * the work small; a site that is short of time lowers both.
 */
export const defaultWwzLimits: WwzLimits = {
  entries: 65_534,
  directoryBytes: 32 * 2 ** 20,
  entryBytes: 2 ** 30,
  totalBytes: 4 * 2 ** 30,
  ratio: 1100,
};
