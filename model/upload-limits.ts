/** The limits of a server on the results of one job, as `GET /limits` returns them. */
import { accept, quote, refuse, type Result } from './result.js';

/** What `POST /results` accepts. Bytes, unless the name says otherwise. */
export interface UploadLimits {
  /** the whole request */
  readonly bodyBytes: number;
  readonly wwzBytes: number;
  readonly tsvBytes: number;
  readonly jsonBytes: number;
  /** files and folders in the wwz */
  readonly entries: number;
  /** one file in the wwz, inflated */
  readonly entryBytes: number;
  /** all files in the wwz together, inflated */
  readonly totalBytes: number;
  /** the directory of the wwz */
  readonly directoryBytes: number;
  /** inflated bytes for each compressed byte of a file in the wwz */
  readonly ratio: number;
  /** rows of the TSV */
  readonly rows: number;
  /** jobs that a record can expect */
  readonly expectedJobs: number;
  /** one file published for a commit */
  readonly artifactBytes: number;
}

/** The keys of the JSON, most of which soil-server.yml has as well. */
const keys: readonly (readonly [keyof UploadLimits, string])[] = [
  ['bodyBytes', 'body'],
  ['wwzBytes', 'wwz'],
  ['tsvBytes', 'tsv'],
  ['jsonBytes', 'json'],
  ['entries', 'wwz-entries'],
  ['entryBytes', 'wwz-entry'],
  ['totalBytes', 'wwz-total'],
  ['directoryBytes', 'wwz-directory'],
  ['ratio', 'wwz-ratio'],
  ['rows', 'rows'],
  ['expectedJobs', 'expected-jobs'],
  ['artifactBytes', 'artifact'],
];

export const limitsToJson = (limits: UploadLimits): Readonly<Record<string, number>> =>
  Object.fromEntries(keys.map(([name, key]) => [key, limits[name]]));

/** Parses the JSON of `GET /limits`. A missing key means no limit, unknown keys are ignored, so that servers can add and remove some. */
export function parseUploadLimits(text: string): Result<UploadLimits> {
  const because = (reason: string) => refuse(`cannot read the limits ${quote(text)}: ${reason}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return because('not JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return because('not an object');
  const limits: Partial<Record<keyof UploadLimits, number>> = {};
  for (const [name, key] of keys) {
    const value: unknown = (json as Record<string, unknown>)[key] ?? Infinity;
    if (typeof value !== 'number' || !(value >= 1)) return because(`${key} must be a number from 1`);
    limits[name] = value;
  }
  return accept(limits as UploadLimits);
}
