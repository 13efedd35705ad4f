/** Measures uploads, simultaneous uploads, rebuild, start and memory of servers with more and more stored jobs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, soilServer } from '../test/command.js';
import { formOf, type JobBytes } from '../test/upload-form.js';
import { medianOf, startBenchServer, type BenchServer } from './bench-server.js';
import { historyWwz, writeHistory } from './history.js';
import { formatHistoryTsv, historyRecord, jobsOfRun } from './history-job.js';
import type { BenchResult } from './result.js';

const uploads = 60;
const wwzBytes = 220_000;
/** By number of jobs: milliseconds until the pages of Soil's shell and Python server show an upload, on two cores. */
const python: Readonly<Record<number, number>> = { 400: 390, 4100: 1930 };
const pythonTogether = 20_000;
const pythonRebuild = 1900;

interface Measured {
  readonly jobs: number;
  readonly rebuildMs: number;
  readonly snapshotMs: number;
  readonly recordsMs: number;
  readonly uploadMs: number;
  readonly togetherMs: number;
  readonly memory: number;
}

export async function benchServerHistory(sizes: readonly number[]): Promise<BenchResult[]> {
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
    return { jobs, rebuildMs, snapshotMs, recordsMs, uploadMs, togetherMs, memory };
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

function resultsOf(m: Measured, first: Measured): BenchResult[] {
  const at = `at ${m.jobs} jobs`;
  const known = python[m.jobs];
  const smaller = `at ${first.jobs} jobs`;
  return [
    {
      ...{ name: `an upload until its pages show it, ${at}`, unit: 'ms', ours: m.uploadMs },
      ...(known === undefined
        ? { peer: first.uploadMs, peerName: smaller, target: 'flat within 20 % from 400 to 410,000 jobs' }
        : {
            peer: known,
            peerName: 'Soil in shell and Python',
            target: '20 ms at 4,100 jobs: 100 times faster',
          }),
    },
    {
      ...{ name: `18 jobs that finish together, ${at}`, unit: 'ms', ours: m.togetherMs },
      ...(m.jobs === 4100
        ? { peer: pythonTogether, peerName: 'Soil in shell and Python (19 to 25 s)', target: '200 ms' }
        : { peer: first.togetherMs, peerName: smaller, target: 'flat' }),
    },
    {
      ...{ name: `rebuild from nothing, ${at}`, unit: 'ms', ours: m.rebuildMs },
      ...(m.jobs === 4100
        ? {
            peer: pythonRebuild,
            peerName: "Soil in shell and Python's one index",
            target: '1 s for all pages',
          }
        : { peer: first.rebuildMs, peerName: smaller, target: 'grows with the jobs' }),
    },
    {
      ...{ name: `start from the snapshot, ${at}`, unit: 'ms', ours: m.snapshotMs },
      ...{ peer: m.recordsMs, peerName: 'from records alone', target: 'less than from records' },
    },
    {
      ...{ name: `memory of the server, ${at}`, unit: 'MB', ours: m.memory },
      ...{ peer: first.memory, peerName: smaller, target: 'under 1 GB at 410,000 jobs' },
    },
  ];
}
