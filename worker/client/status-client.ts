/** Asks a site's status API for a job's status: nothing but one whole status line counts as an answer. */
import { setTimeout } from 'node:timers/promises';
import type { JobName, WorkerHost } from '../../model/name.js';
import { quote } from '../../model/result.js';
import { parseStatus } from '../../model/status.js';
import type { StatusAnswer } from './status-answer.js';

const answerSeconds = 10;
/** A status line is shorter by far; a page of HTML need not be read to its end. */
const answerBytes = 4096;
const tries = 3;

export interface StatusAddress {
  /** ends in a slash */
  readonly server: string;
  readonly host: WorkerHost;
  readonly run: string;
  readonly job: JobName;
}

/** Never throws: whatever is not a status is an answer that keeps the gate shut. */
export async function askStatus(address: StatusAddress): Promise<StatusAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await askOnce(address);
    if (answer.kind !== 'unusable' || answer.isRefusal === true || attempt === tries) return answer;
    await setTimeout(200 * 2 ** attempt);
  }
}

async function askOnce({ server, host, run, job }: StatusAddress): Promise<StatusAnswer> {
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
    // Nobody asked for it, and one that cannot be unpacked would never end.
    const coding = response.headers.get('content-encoding') ?? 'identity';
    if (coding !== 'identity') {
      void response.body?.cancel().catch(() => undefined);
      return { kind: 'unusable', reason: `the answer is encoded as ${quote(coding)}` };
    }
    const status = parseStatus(await readText(response));
    return status.ok ? { kind: 'status', status: status.value } : { kind: 'unusable', reason: status.error };
  } catch (error) {
    const { cause, message } = error as Error;
    return { kind: 'unusable', reason: cause instanceof Error ? cause.message : message };
  }
}

/** The body's first bytes, one more than a status may have. */
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
