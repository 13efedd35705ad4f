/** Reads a job's status from a site's status API. Only one complete status line counts as an answer. */
import { setTimeout } from 'node:timers/promises';
import { planPause } from '../../model/backoff.js';
import type { JobName, WorkerHost } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { parseStatus, type JobStatus } from '../../model/status.js';
import { describeFetchError } from './http-client.js';

const answerSeconds = 10;
/** A status line is much shorter. Of longer answers, such as HTML pages, the rest is not read. */
const answerBytes = 4096;
const tries = 3;
const backoff = { baseSeconds: 0.4, maxSeconds: 0.8 };

/** The status API's answer for one job. */
export type StatusAnswer =
  | { readonly kind: 'status'; readonly status: JobStatus }
  /** 404: the job has not reported */
  | { readonly kind: 'missing' }
  /** no answer, or not a status */
  | {
      readonly kind: 'unusable';
      readonly reason: string;
      /** a retry would not help: access is denied, or the address is wrong */
      readonly isRefusal?: boolean;
    };

export interface StatusAddress {
  /** ends with a slash */
  readonly server: string;
  readonly host: WorkerHost;
  readonly run: string;
  readonly job: JobName;
}

/** Reads a status, with retries after a temporary failure. Never throws: anything but a status is `unusable`. */
export async function readStatus(address: StatusAddress): Promise<StatusAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await readOnce(address);
    if (answer.kind !== 'unusable' || answer.isRefusal === true || attempt === tries) return answer;
    await setTimeout(1000 * planPause(attempt, backoff));
  }
}

async function readOnce({ server, host, run, job }: StatusAddress): Promise<StatusAnswer> {
  const url = new URL(`status-api/${host}/${encodeURIComponent(run)}/${encodeURIComponent(job)}`, server);
  try {
    const response = await fetch(url, {
      redirect: 'error',
      headers: { 'Cache-Control': 'no-cache', 'Accept-Encoding': 'identity' },
      signal: AbortSignal.timeout(answerSeconds * 1000),
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return { kind: 'missing' };
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      const { status } = response;
      const isRefusal = status >= 400 && status < 500 && status !== 429 && status !== 408;
      return { kind: 'unusable', reason: `the server answered ${status}`, isRefusal };
    }
    // The request accepts `identity` only, and fetch() may wait forever for an answer that it cannot decode.
    const coding = response.headers.get('content-encoding') ?? 'identity';
    if (coding !== 'identity') {
      void response.body?.cancel().catch(() => undefined);
      return { kind: 'unusable', reason: `the answer is encoded as ${quote(coding)}` };
    }
    const status = parseStatus(await readText(response));
    return status.ok ? { kind: 'status', status: status.value } : { kind: 'unusable', reason: status.error };
  } catch (error) {
    return { kind: 'unusable', reason: describeFetchError(error) };
  }
}

/** Returns the start of the body. Of a body that is too long for a status, this is more than a status can have. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body = response.body as ReadableStream<Uint8Array> | null;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > answerBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
