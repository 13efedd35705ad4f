/** How much a request may send. Plain data; the defaults fit a job of 22,000 files and 100 MB. */
import { defaultWwzLimits, type WwzLimits } from '../wwz/limits.js';

export interface Limits {
  readonly wwzBytes: number;
  readonly tsvBytes: number;
  readonly jsonBytes: number;
  readonly artifactBytes: number;
  /** of one form field that is no file */
  readonly fieldBytes: number;
  readonly fields: number;
  /** an event's whole body */
  readonly eventBytes: number;
  /** from the first to the last byte of a request, seconds */
  readonly requestSeconds: number;
  /** for a request's head, seconds */
  readonly headSeconds: number;
  readonly connections: number;
  readonly wwz: WwzLimits;
}

const mebibyte = 2 ** 20;

export const defaultLimits: Limits = {
  wwzBytes: 1024 * mebibyte,
  tsvBytes: 16 * mebibyte,
  jsonBytes: 4 * mebibyte,
  artifactBytes: 1024 * mebibyte,
  fieldBytes: 8192,
  fields: 20,
  eventBytes: 64 * 1024,
  requestSeconds: 900,
  headSeconds: 30,
  connections: 1000,
  wwz: defaultWwzLimits,
};
