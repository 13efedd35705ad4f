/** How much and how long the server lets anyone send. Plain data, all in one place; limit-setting.ts says how an operator calls it. */
import { defaultWwzLimits, type WwzLimits } from '../../wwz/limits.js';

export interface ServerLimits {
  /** of a whole request with results, its form around the files included */
  readonly bodyBytes: number;
  readonly wwzBytes: number;
  readonly tsvBytes: number;
  readonly jsonBytes: number;
  readonly artifactBytes: number;
  /** of a form field that is no file */
  readonly fieldBytes: number;
  readonly fields: number;
  readonly files: number;
  /** of the form of an event */
  readonly eventBytes: number;
  /** for a request's headers to arrive */
  readonly headerSeconds: number;
  /** for a whole request to arrive, upload included */
  readonly requestSeconds: number;
  /** without a byte in either direction */
  readonly idleSeconds: number;
  /** a request's body must bring `rateBytes` in every `rateSeconds`; who is slower is cut */
  readonly rateBytes: number;
  readonly rateSeconds: number;
  /** open at the same time; one more is closed at once */
  readonly connections: number;
  /** between SIGTERM and the end, whatever is under way */
  readonly stopSeconds: number;
  /** uploads that are received or verified at the same time; one more gets a 503 and comes again */
  readonly uploadsAtOnce: number;
  /** what a refused client may still send, so that it reads its answer before the connection ends */
  readonly drainBytes: number;
  readonly drainSeconds: number;
  /** jobs whose files a shell client has sent in part */
  readonly partialUploads: number;
  readonly partialSeconds: number;
  /** a job of which nothing was heard for so long is shown as lost */
  readonly lostSeconds: number;
  readonly wwz: WwzLimits;
}

const MiB = 2 ** 20;

/** Room for a job of 22,000 files and 100 MB many times over, and for one report of a gigabyte. */
export const defaultLimits: ServerLimits = {
  bodyBytes: 2100 * MiB,
  wwzBytes: 2048 * MiB,
  tsvBytes: 16 * MiB,
  jsonBytes: 4 * MiB,
  artifactBytes: 2048 * MiB,
  fieldBytes: 4096,
  fields: 20,
  files: 3,
  eventBytes: 64 * 1024,
  headerSeconds: 20,
  requestSeconds: 1800,
  idleSeconds: 120,
  rateBytes: 16 * 1024,
  rateSeconds: 30,
  connections: 4096,
  stopSeconds: 60,
  uploadsAtOnce: 64,
  drainBytes: 8 * MiB,
  drainSeconds: 5,
  partialUploads: 200,
  partialSeconds: 86_400,
  lostSeconds: 1800,
  wwz: defaultWwzLimits,
};
