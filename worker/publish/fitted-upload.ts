/** Uploads the results of a job within the limits of the server. */
import type { JobName, WorkerHost } from '../../model/name.js';
import { quote, refuse, type Result } from '../../model/result.js';
import { parseUploadLimits, type UploadLimits } from '../../model/upload-limits.js';
import type { SoilService } from '../client/soil-server.js';
import type { JobFiles } from '../state/job-folder.js';
import { fitJob, type FitOptions } from './fitted-job.js';
import { findRefusedPart, readServerLimits, type RefusedPart } from './server-limits.js';
import { uploadResults, type ResultUrls } from './upload-results.js';

export interface FittedUpload {
  readonly files: JobFiles;
  readonly job: JobName;
  readonly host: WorkerHost;
  /** is called with what was left out of the upload, one sentence each */
  readonly notice: (text: string) => void;
}

/**
 * Asks the server for its limits, leaves out what exceeds them, and uploads the rest. If an older server refuses a file
 * of the wwz, uploads once more without it.
 */
export async function uploadWithinLimits(
  service: SoilService,
  { files, job, host, notice }: FittedUpload,
): Promise<Result<ResultUrls>> {
  const because = (reason: string) =>
    refuse(`cannot publish job ${quote(job)} to ${service.url.href}: ${reason}`);
  const limits = await readServerLimits(service, { job, host });
  if (!limits.ok) return because(limits.error);
  const send = (fitting: FitOptions | undefined) =>
    withFitted(files, fitting, notice, (fitted) => uploadResults(service, { files: fitted, job, host }));
  const first = await send(limits.value && { limits: limits.value, who: 'the server' });
  if (first.ok) return first;
  const part = findRefusedPart(first.error.answer);
  if (part === undefined) return because(first.error.reason);
  notice(`the server refused the results: ${first.error.reason}; uploading the rest`);
  const second = await send(optionsFor(part, limits.value));
  return second.ok ? second : because(second.error.reason);
}

function optionsFor(part: RefusedPart, known: UploadLimits | undefined): FitOptions {
  const none = parseUploadLimits('{}');
  const limits = known ?? (none.ok ? none.value : undefined);
  if (limits === undefined) throw new Error('an empty object has no limits');
  const who = 'the server';
  if (part.kind === 'limits') return { limits: { ...limits, ...part.limits }, who };
  const { entry, maxBytes } = part;
  return {
    limits:
      maxBytes === undefined ? limits : { ...limits, entryBytes: Math.min(limits.entryBytes, maxBytes) },
    ...{ who, refused: { entry, ...(maxBytes !== undefined && { maxBytes }) } },
  };
}

/** Calls `use` with files that satisfy the limits: the job's own if they do, else a copy, which is removed then. */
export async function withFitted<T>(
  files: JobFiles,
  options: FitOptions | undefined,
  notice: (text: string) => void,
  use: (files: JobFiles) => Promise<T>,
): Promise<T> {
  if (options === undefined) return use(files);
  const fitted = await fitJob(files, options);
  if (!fitted.ok) notice(`cannot check the results against the limits of ${options.who}: ${fitted.error}`);
  if (!fitted.ok || fitted.value === undefined) return use(files);
  const { notices, remove } = fitted.value;
  try {
    for (const text of notices) notice(text);
    return await use(fitted.value.files);
  } finally {
    await remove();
  }
}
