/** Limits on how much and how long clients can send, with defaults. limit-keys.ts has the keys that change them. */
import { defaultUploadLimits, defaultWwzLimits, type WwzLimits } from '../../wwz/limits.js';

export interface ServerLimits {
  /** a whole request with results, including the form around the files */
  readonly bodyBytes: number;
  readonly wwzBytes: number;
  readonly tsvBytes: number;
  readonly jsonBytes: number;
  readonly artifactBytes: number;
  /** a form field that is not a file */
  readonly fieldBytes: number;
  readonly fields: number;
  readonly files: number;
  /** the form of an event */
  readonly eventBytes: number;
  /** until the headers of a request are complete */
  readonly headerSeconds: number;
  /** until a whole request is complete, including an upload */
  readonly requestSeconds: number;
  /** without a byte in either direction */
  readonly idleSeconds: number;
  /** the least that a body must send in every `rateSeconds`; a slower client is disconnected */
  readonly rateBytes: number;
  readonly rateSeconds: number;
  /** open at the same time; further ones are closed immediately */
  readonly connections: number;
  /** of one address at the same time; a further one gets a 429 */
  readonly addressConnections: number;
  /** from SIGTERM until open requests are ended */
  readonly stopSeconds: number;
  /** uploads that are received or verified at the same time; a further one gets a 503, which clients retry. One token has half */
  readonly concurrentUploads: number;
  /** uploads and events of one token in a second; further ones get a 429 */
  readonly tokenRate: number;
  /** uploads and events that one token can send at once */
  readonly tokenBurst: number;
  /** what a refused client can still send, so that it reads the answer before the connection ends */
  readonly drainBytes: number;
  readonly drainSeconds: number;
  /** jobs that shell clients with one token have sent in part; a further one gets a 429 */
  readonly partialUploads: number;
  readonly partialSeconds: number;
  /** without an event until a job is shown as lost */
  readonly lostSeconds: number;
  readonly wwz: WwzLimits;
}

const MiB = 2 ** 20;

/** Far more than a job of 22,000 files and 100 MB needs, and enough for a report of 1 GB. */
export const defaultLimits: ServerLimits = {
  bodyBytes: defaultUploadLimits.bodyBytes,
  wwzBytes: defaultUploadLimits.wwzBytes,
  tsvBytes: defaultUploadLimits.tsvBytes,
  jsonBytes: defaultUploadLimits.jsonBytes,
  artifactBytes: defaultUploadLimits.artifactBytes,
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
  addressConnections: 512,
  stopSeconds: 60,
  concurrentUploads: 64,
  tokenRate: 50,
  tokenBurst: 2000,
  drainBytes: 8 * MiB,
  drainSeconds: 5,
  partialUploads: 200,
  partialSeconds: 86_400,
  lostSeconds: 1800,
  wwz: defaultWwzLimits,
};
