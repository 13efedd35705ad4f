/** Uploads a job's three files to the server in one multipart request, and sends events. */
import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import FormData from 'form-data';
import { errorMessage } from '../../model/error-message.js';
import type { JobName, WorkerHost } from '../../model/name.js';
import { formatEvent, type JobEvent } from '../../model/event.js';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { describeAnswer, isSuccess, type HttpAnswer, type RequestBody } from '../client/http-client.js';
import type { JobFiles } from '../state/job-folder.js';
import { callServer, uploadSeconds, type SoilService } from '../client/soil-server.js';

/** Where the server shows the results, as absolute URLs. */
export interface ResultUrls {
  readonly run: string;
  readonly record: string;
  readonly wwz: string;
  readonly commit?: string;
}

/** The parts in the order that the server requires: the JSON is last, since it makes the other files a record. */
const parts = [
  ['wwz', 'application/zip'],
  ['tsv', 'text/tab-separated-values'],
  ['json', 'application/json'],
] as const;

/** Why an upload failed: the reason, which is a clause, and the server's answer. */
export interface UploadFailure {
  readonly reason: string;
  readonly answer: HttpAnswer;
}

/** Uploads the three files of a job. Returns the URLs from the server's answer. */
export async function uploadResults(
  service: SoilService,
  { files, job, host }: { readonly files: JobFiles; readonly job: JobName; readonly host: WorkerHost },
): Promise<Result<ResultUrls, UploadFailure>> {
  const because = (reason: string, answer: HttpAnswer = { kind: 'failure', reason }) =>
    refuse({ reason, answer });
  const body = await planMultipart(files, job);
  if (!body.ok) return because(body.error);
  const url = new URL('results', service.url);
  url.search = new URLSearchParams({ jobName: job, workerHost: host }).toString();
  const answer = await callServer(service, {
    method: 'POST',
    url,
    body: body.value,
    totalSeconds: uploadSeconds,
  });
  if (!isSuccess(answer)) return because(`${describeAnswer(answer)}${nextStep(answer)}`, answer);
  const urls = parsePublished(answer.text, service.url);
  return urls.ok ? urls : because(urls.error, answer);
}

function nextStep(answer: HttpAnswer): string {
  if (answer.kind === 'failure') return '';
  switch (answer.status) {
    case 401:
      return '. Set SOIL_TOKEN, or pass --token-file';
    case 409:
      return '. Published results never change: run the job again, as a new run or with --attempt N';
    default:
      return '';
  }
}

/** Plans a body with a known length. Each attempt to send it opens the files again. */
async function planMultipart(files: JobFiles, job: JobName): Promise<Result<RequestBody>> {
  const sizes = new Map<string, number>();
  for (const [suffix] of parts) {
    const facts = await stat(files[suffix]).catch((error: unknown) => errorMessage(error));
    if (typeof facts === 'string') return refuse(facts);
    sizes.set(suffix, facts.size);
  }
  const boundary = new FormData().getBoundary();
  const make = (): { readonly form: FormData; readonly streams: readonly ReadStream[] } => {
    const form = new FormData();
    form.setBoundary(boundary);
    const streams = parts.map(([suffix, contentType]) => {
      const knownLength = sizes.get(suffix) ?? 0;
      // Never sends more than Content-Length, even if the file grows meanwhile.
      const stream = createReadStream(files[suffix], { end: Math.max(0, knownLength - 1) });
      form.append(suffix, stream, { filename: `${job}.${suffix}`, contentType, knownLength });
      return stream;
    });
    return { form, streams };
  };
  const first = make();
  const length = first.form.getLengthSync();
  for (const stream of first.streams) stream.destroy();
  return accept({
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(length),
    },
    open: () => {
      const { form, streams } = make();
      const through = new PassThrough();
      form.on('error', (error) => through.destroy(error));
      through.on('close', () => {
        for (const stream of streams) stream.destroy();
      });
      form.pipe(through);
      return through;
    },
  });
}

/** Parses the server's answer, `{"record", "wwz", "run", "commit"}`, whose paths are relative to the server. */
function parsePublished(text: string, server: URL): Result<ResultUrls> {
  const because = (reason: string) => refuse(`cannot read the server's answer ${quote(text)}: ${reason}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return because('not JSON');
  }
  if (typeof json !== 'object' || json === null) return because('not an object');
  const urls: Record<string, string> = {};
  for (const key of ['record', 'wwz', 'run', 'commit'] as const) {
    const path = (json as Record<string, unknown>)[key];
    if (key === 'commit' && (path === undefined || path === null)) continue;
    if (typeof path !== 'string') return because(`${key} is missing`);
    if (!URL.canParse(path, server.href)) return because(`${key} ${quote(path)} is not a path`);
    const url = new URL(path, server);
    if (!url.href.startsWith(server.href)) return because(`${key} ${quote(path)} is outside the server`);
    urls[key] = url.href;
  }
  const { run = '', record = '', wwz = '', commit } = urls;
  return accept({ run, record, wwz, ...(commit !== undefined && { commit }) });
}

/**
 * Sends the event that the job is done, which also updates the status API. If the token does not permit the update, sends
 * the event without it: then `statusWritten` is false.
 */
export async function sendDone(
  service: SoilService,
  event: JobEvent,
): Promise<Result<{ readonly statusWritten: boolean; readonly reason?: string }>> {
  const answer = await sendEvent(service, { ...event, updateStatusApi: true });
  if (isSuccess(answer)) return accept({ statusWritten: true });
  if (answer.kind === 'answer' && answer.status === 403) {
    const withoutStatus = await sendEvent(service, { ...event, updateStatusApi: false });
    if (isSuccess(withoutStatus)) return accept({ statusWritten: false, reason: describeAnswer(answer) });
  }
  return refuse(`cannot send event done of job ${quote(event.job)}: ${describeAnswer(answer)}`);
}

const eventSeconds = 20;

/** Sends one event, with the service's retries unless `policy` says otherwise. */
export function sendEvent(
  service: SoilService,
  event: JobEvent,
  policy = service.retries,
  totalSeconds = eventSeconds,
): Promise<HttpAnswer> {
  const url = new URL('event', service.url);
  url.search = new URLSearchParams(formatEvent(event)).toString();
  return callServer(service, { method: 'POST', url, body: '', totalSeconds }, policy);
}
