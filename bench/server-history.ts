/** Measures uploads, simultaneous uploads, rebuild, start and memory of servers with more and more stored jobs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, soilServer } from '../test/command.js';
import { formOf, type JobBytes } from '../test/upload-form.js';
import { timeAncestorIndex } from './ancestor.js';
import { medianOf, startBenchServer, type BenchServer } from './bench-server.js';
import { historyWwz, writeHistory } from './history.js';
import { formatHistoryTsv, historyRecord, jobsOfRun } from './history-job.js';
import { isMissingPart, type BenchResult, type Missing } from './result.js';

const uploads = 60;
const wwzBytes = 220_000;
/** The server in shell and Python indexes all jobs after each upload; with more jobs than this, it takes minutes. */
const maxAncestorJobs = 5000;

interface Measured {
  readonly jobs: number;
  readonly rebuildMs: number;
  readonly snapshotMs: number;
  readonly recordsMs: number;
  readonly uploadMs: number;
  readonly togetherMs: number;
  readonly memory: number;
  /** ms in which Soil's shell and Python server indexes the same jobs */
  readonly ancestorMs: number | Missing;
}

export async function benchServerHistory(sizes: readonly number[]): Promise<(BenchResult | Missing)[]> {
  const measured: Measured[] = [];
  for (const jobs of sizes) measured.push(await measure(jobs));
  const [first] = measured;
  return measured.flatMap((m) => resultsOf(m, first ?? m));
}

async function measure(jobs: number): Promise<Measured> {
  const root = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  const site = join(root, 'site');
  try {
    writeHistory(site, jobs);
    const begin = performance.now();
    await must(process.execPath, [soilServer, 'rebuild', site], { timeoutSeconds: 3600 });
    const rebuildMs = performance.now() - begin;
    // Beside the uploads, so that both share the state of the machine.
    const ancestorMs =
      jobs > maxAncestorJobs ? { missing: `it is not run at ${jobs} jobs` } : await timeAncestorIndex(site);
    const server = await startBenchServer(site);
    const uploadMs = await timeUploads(server, jobs);
    const togetherMs = await timeSimultaneous(server, jobs);
    const memory = server.memory().now;
    await server.stop();
    const again = await startBenchServer(site);
    await again.stop();
    await rm(join(site, '.soil', 'snapshot.jsonl'));
    const fromRecords = await startBenchServer(site);
    await fromRecords.stop();
    const [snapshotMs, recordsMs] = [again.startMs, fromRecords.startMs];
    return { jobs, rebuildMs, snapshotMs, recordsMs, uploadMs, togetherMs, memory, ancestorMs };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function makeJob(run: number, number: number): JobBytes {
  return {
    job: `job-${number}`,
    ...{
      wwz: historyWwz(wwzBytes),
      tsv: formatHistoryTsv(),
      json: JSON.stringify(historyRecord(run, number)),
    },
  };
}

/** Returns the median ms from request to response, which is sent once index, run and commit page show the job. */
async function timeUploads(server: BenchServer, jobs: number): Promise<number> {
  const times: number[] = [];
  for (let i = -10; i < uploads; i++) {
    const job = makeJob(jobs + 1 + Math.floor((i + 10) / jobsOfRun), (i + 10) % jobsOfRun);
    const ms = await timeUpload(server, job);
    // The first uploads include the compilation of the server's code.
    if (i >= 0) times.push(ms);
  }
  return medianOf(times);
}

/** Uploads a run's jobs at the same moment; returns the ms until the last one is answered. */
async function timeSimultaneous(server: BenchServer, jobs: number): Promise<number> {
  const times: number[] = [];
  for (let round = 1; round <= 3; round++) {
    const wave = Array.from({ length: jobsOfRun }, (_, n) => makeJob(jobs + 1000 + round, n));
    const begin = performance.now();
    await Promise.all(wave.map((job) => timeUpload(server, job)));
    times.push(performance.now() - begin);
  }
  return medianOf(times);
}

async function timeUpload(server: BenchServer, job: JobBytes): Promise<number> {
  const body = formOf(job);
  const begin = performance.now();
  const answer = await fetch(`${server.url}results?jobName=${job.job}&workerHost=github`, {
    method: 'POST',
    body,
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`cannot upload: ${answer.status} ${text}`);
  return performance.now() - begin;
}

function resultsOf(m: Measured, first: Measured): (BenchResult | Missing)[] {
  const at = `at ${m.jobs} jobs`;
  const smaller = (peer: number) => (m === first ? {} : { peer, peerName: `at ${first.jobs} jobs` });
  const { ancestorMs } = m;
  const ancestor = "one index of Soil's server in shell and Python";
  return [
    {
      ...{ name: `an upload until its pages show it, ${at}`, unit: 'ms', ours: m.uploadMs },
      ...{ ...smaller(first.uploadMs), target: 'flat within 20 % from 400 to 410,000 jobs' },
    },
    isMissingPart(ancestorMs)
      ? { missing: `${ancestor}, ${at}: ${ancestorMs.missing}` }
      : {
          ...{ name: `an upload until its pages show it, ${at}`, unit: 'ms', ours: m.uploadMs },
          ...{ peer: ancestorMs, peerName: ancestor, target: '100 times faster at 4,100 jobs' },
        },
    {
      ...{ name: `18 jobs that finish together, ${at}`, unit: 'ms', ours: m.togetherMs },
      ...{ ...smaller(first.togetherMs), target: '200 ms, and flat' },
    },
    {
      ...{ name: `rebuild from nothing, ${at}`, unit: 'ms', ours: m.rebuildMs },
      ...{ ...smaller(first.rebuildMs), target: 'grows with the jobs; 1 s for 4,100' },
    },
    {
      ...{ name: `start from the snapshot, ${at}`, unit: 'ms', ours: m.snapshotMs },
      ...{ peer: m.recordsMs, peerName: 'from records alone', target: 'less than from records' },
    },
    {
      ...{ name: `memory of the server, ${at}`, unit: 'MB', ours: m.memory },
      ...{ ...smaller(first.memory), target: 'under 1 GB at 410,000 jobs' },
    },
  ];
}
