/** Clients of a server that will be killed: they send jobs, events and artifacts, and record what the server acknowledged. */
import { sha256 } from '../server/store/log-entry.js';
import { buildZip, regular } from './zip-builder.js';
import type { SeededRandom } from './seeded-random.js';
import { formOf, tsvOf, type JobBytes } from './upload-form.js';

/** A file whose upload was acknowledged: its path and digest. */
export interface AcknowledgedFile {
  readonly path: string;
  readonly digest: string;
}

export interface AcknowledgedJob {
  readonly job: string;
  readonly mark: string;
  /** addresses from the server's response */
  readonly record: string;
  readonly wwz: string;
  readonly run: string;
}

/** What the servers of one site acknowledged to all clients. */
export interface Acknowledgments {
  readonly files: AcknowledgedFile[];
  readonly jobs: AcknowledgedJob[];
  /** running jobs, with their run's page */
  readonly events: { readonly run: string; readonly job: string }[];
  /** sent without a response; they are sent again */
  readonly unanswered: { readonly job: JobBytes; readonly mark: string }[];
  /** responses that must not occur */
  readonly faults: string[];
  sent: number;
}

export const emptyAcknowledgments = (): Acknowledgments => ({
  files: [],
  jobs: [],
  events: [],
  unanswered: [],
  faults: [],
  sent: 0,
});

/** Sends one request after the other until the connection ends or `stop` is aborted. */
export async function sendUntilCut(
  url: string,
  {
    acknowledged,
    random,
    stop,
  }: { readonly acknowledged: Acknowledgments; readonly random: SeededRandom; readonly stop: AbortSignal },
): Promise<void> {
  while (!stop.aborted) {
    const choice = random.below(10);
    try {
      if (choice < 7) await sendJob(url, acknowledged, random);
      else if (choice < 9) await sendEvent(url, acknowledged);
      else await sendArtifact(url, acknowledged, random);
    } catch (error) {
      if (!isCut(error)) throw error;
      return;
    }
  }
}

const isCut = (error: unknown): boolean =>
  error instanceof TypeError && /fetch failed|terminated/.test(error.message);

async function sendJob(url: string, acknowledged: Acknowledgments, random: SeededRandom): Promise<void> {
  const again = acknowledged.unanswered.shift();
  const made = again ?? makeJob(acknowledged.sent++, random);
  const { job, mark } = made;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${url}results?jobName=${job.job}&workerHost=github`, {
      method: 'POST',
      body: formOf(job),
    });
    text = await answer.text();
  } catch (error) {
    acknowledged.unanswered.push(made);
    throw error;
  }
  // A repeated upload may already be stored: 200. A new one is 201.
  if (answer.status !== 201 && !(again !== undefined && answer.status === 200)) {
    acknowledged.faults.push(`an upload was answered with ${answer.status}: ${text}`);
    return;
  }
  const { record = '', wwz = '', run = '' } = JSON.parse(text) as Readonly<Record<string, string>>;
  acknowledged.jobs.push({ job: job.job, mark, record, wwz, run });
  const stem = record.replace(/\.json$/, '');
  acknowledged.files.push(
    { path: record, digest: sha256(Buffer.from(job.json)) },
    { path: `${stem}.tsv`, digest: sha256(Buffer.from(job.tsv)) },
    { path: `${stem}.wwz`, digest: sha256(job.wwz) },
  );
}

const jobsOfRun = 6;

function makeJob(number: number, random: SeededRandom): { readonly job: JobBytes; readonly mark: string } {
  const run = 1 + Math.floor(number / jobsOfRun);
  const name = `job-${number % jobsOfRun}`;
  const mark = `mark-${number}-${random.below(2 ** 30)}`;
  const json = JSON.stringify({
    'job-name': name,
    'commit-hash': commitOf(run),
    'commit-line': `Change ${mark}`,
    'task-run-start-time': String(1_768_000_000 + run * 600),
    JOB_URL: 'https://ci.example/o/r/actions/runs/1',
    GITHUB_RUN_NUMBER: String(run),
    GITHUB_RUN_ID: String(500_000 + run),
    GITHUB_REF: `refs/heads/${run % 2 === 0 ? 'main' : 'topic'}`,
  });
  const tsv = tsvOf([0, 'build'], [random.pick([0, 0, 1]), 'unit']);
  const wwz = buildZip([
    { name: '_tmp/soil/logs/build.txt', content: mark, attributes: regular },
    { name: '_tmp/soil/logs/unit.txt', content: mark, attributes: regular },
    { name: 'index.html', content: `<title>${mark}</title>`, attributes: regular },
    {
      name: 'data.bin',
      content: random.bytes(random.pick([100, 4000, 60_000, 200_000])),
      method: 0,
      attributes: regular,
    },
  ]);
  return { job: { job: name, wwz, tsv, json }, mark };
}

// Two runs have the same commit, so that both write its page.
const commitOf = (run: number): string =>
  Math.floor(run / 2)
    .toString(16)
    .padStart(40, 'a');

async function sendEvent(url: string, acknowledged: Acknowledgments): Promise<void> {
  const number = acknowledged.sent++;
  const job = `event-${number}`;
  const fields = new URLSearchParams({
    ...{ eventName: 'start', workerHost: 'github', jobName: job },
    ...{ runId: String(900_000 + number), runNumber: String(400_000 + number) },
  });
  const answer = await fetch(`${url}event?${fields.toString()}`, { method: 'POST' });
  const text = await answer.text();
  if (answer.status === 200) acknowledged.events.push({ run: `github-jobs/${400_000 + number}/`, job });
  else acknowledged.faults.push(`an event was answered with ${answer.status}: ${text}`);
}

async function sendArtifact(url: string, acknowledged: Acknowledgments, random: SeededRandom): Promise<void> {
  const number = acknowledged.sent++;
  const bytes = random.bytes(random.pick([10, 50_000]));
  const path = `artifacts/github/${commitOf(1 + Math.floor(number / jobsOfRun))}/out-${number}.bin`;
  const answer = await fetch(`${url}${path}`, { method: 'PUT', body: new Uint8Array(bytes) });
  const text = await answer.text();
  if (answer.status !== 201) {
    acknowledged.faults.push(`an artifact was answered with ${answer.status}: ${text}`);
    return;
  }
  const stored = Object.values(JSON.parse(text) as Readonly<Record<string, string>>)[0] ?? '';
  acknowledged.files.push({ path: stored, digest: sha256(bytes) });
}
