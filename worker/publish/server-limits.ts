/** Asks a server for the limits of its uploads, and reads them from the answers of a server that is too old to ask. */
import type { JobName, WorkerHost } from '../../model/name.js';
import { accept, refuse, type Result } from '../../model/result.js';
import { parseUploadLimits, type UploadLimits } from '../../model/upload-limits.js';
import { describeAnswer, isSuccess, type HttpAnswer } from '../client/http-client.js';
import { callServer, type SoilService } from '../client/soil-server.js';

const askSeconds = 20;

/**
 * Returns the limits of the server, or undefined if it is older and has none to tell. Fails if the server cannot be
 * reached, so that an upload to it is not tried as long again.
 */
export async function readServerLimits(
  service: SoilService,
  { job, host }: { readonly job: JobName; readonly host: WorkerHost },
): Promise<Result<UploadLimits | undefined>> {
  const url = new URL('limits', service.url);
  url.search = new URLSearchParams({ jobName: job, workerHost: host }).toString();
  const answer = await callServer(service, { method: 'GET', url, totalSeconds: askSeconds });
  if (isSuccess(answer)) {
    const limits = parseUploadLimits(answer.text);
    // A site behind a web server may answer any path with a page.
    return accept(limits.ok ? limits.value : undefined);
  }
  // The upload gets the same refusal, and says what to do.
  if (answer.kind === 'answer' && answer.status < 500) return accept(undefined);
  return refuse(describeAnswer(answer));
}

/** What a refusal of an upload says about a limit. `entry`: the name of a file in the wwz, or its beginning and `…`. */
export type RefusedPart =
  | { readonly kind: 'entry'; readonly entry: string; readonly maxBytes?: number }
  | { readonly kind: 'limits'; readonly limits: Partial<UploadLimits> };

/** Finds what a 400 or 413 refuses; undefined if no other upload of the same job can succeed. */
export function findRefusedPart(answer: HttpAnswer): RefusedPart | undefined {
  if (answer.kind === 'failure' || (answer.status !== 400 && answer.status !== 413)) return undefined;
  const text = describeAnswer(answer);
  const number = (pattern: RegExp): number | undefined => {
    const [, digits] = pattern.exec(text) ?? [];
    return digits === undefined ? undefined : Number(digits);
  };
  const wwzBytes = number(/file "(?:wwz|file\d)": it has more than (\d+) bytes/);
  if (wwzBytes !== undefined) return { kind: 'limits', limits: { wwzBytes } };
  const bodyBytes = number(/cannot accept the body: it has more than (\d+) bytes/);
  if (bodyBytes !== undefined) return { kind: 'limits', limits: { bodyBytes } };
  const entries = number(/it has \d+ entries, more than the limit of (\d+)/);
  if (entries !== undefined) return { kind: 'limits', limits: { entries } };
  const directoryBytes = number(/directory has \d+ bytes, more than the limit of (\d+)/);
  if (directoryBytes !== undefined) return { kind: 'limits', limits: { directoryBytes } };
  const totalBytes = number(/over the limit of (\d+) inflated bytes/);
  if (totalBytes !== undefined) return { kind: 'limits', limits: { totalBytes } };
  const ratio = number(/it inflates from \d+ to \d+ bytes, more than (\d+) times/);
  if (ratio !== undefined) return { kind: 'limits', limits: { ratio } };
  const [, quoted] = /entry ("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  if (quoted === undefined) return undefined;
  const maxBytes = number(/it has \d+ bytes, more than the limit of (\d+)/);
  return {
    ...{ kind: 'entry', entry: JSON.parse(quoted) as string },
    ...(maxBytes !== undefined && { maxBytes }),
  };
}
