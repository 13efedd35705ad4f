/** Measures what redaction costs a task that prints a gigabyte: a job with two secrets and the same job without, alternately. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobName, TaskName } from '../model/name.js';
import { plainTask } from '../model/task.js';
import type { Secret } from '../worker/redact/secret-pattern.js';
import { runJob } from '../worker/runner/run-job.js';
import { must } from '../test/command.js';
import type { BenchResult } from './result.js';

const gigabyte = 1_000_000_000;
const rounds = 4;
const secrets: readonly Secret[] = [
  { name: 'DEPLOY_TOKEN', value: 'dp_4f9a2c71be08d36e5570aa19' },
  { name: 'PASSWORD', value: 'correct horse/battery' },
];

/** Seconds since the task began. */
interface CatTimes {
  /** until its log can be read */
  readonly log: number;
  /** until the job's wwz exists */
  readonly job: number;
}

export async function benchRedaction(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  try {
    await writeLog(join(folder, 'large.txt'));
    const ours: CatTimes[] = [];
    const peer: CatTimes[] = [];
    // They alternate, each first as often as second, so that other load on the machine affects both equally.
    for (let round = 0; round < rounds; round++) {
      const isFirst = round % 2 === 0;
      const first = await timeCat(folder, isFirst ? secrets : undefined);
      const second = await timeCat(folder, isFirst ? undefined : secrets);
      ours.push(isFirst ? first : second);
      peer.push(isFirst ? second : first);
    }
    const compare = (name: string, pick: (times: CatTimes) => number, target: string): BenchResult => ({
      ...{ name, target, unit: 's', peerName: 'without secrets' },
      ...{ ours: median(ours.map(pick)), peer: median(peer.map(pick)) },
    });
    return [
      compare('a job whose task cats 1 GB, secrets redacted', (t) => t.job, 'at most 1.05 times as much'),
      compare(
        'the same, until the log can be read',
        (t) => t.log,
        'as little as possible: cat itself takes almost no time',
      ),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes lines like a compiler's, each a little different, one in 20,000 with a secret. */
async function writeLog(file: string): Promise<void> {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) =>
      `[${i}/20000] c++ -O2 -Wall -Iinclude -c src/part-${(i * 7919) % 20011}.cc -o out/part-${i}.o\n`,
  );
  lines[10_000] = `curl --header 'Authorization: ${secrets[0]?.value ?? ''}'\n`;
  const block = Buffer.from(lines.join(''));
  const handle = await open(file, 'w');
  try {
    for (let at = 0; at < gigabyte; at += block.length) {
      await handle.write(block, 0, Math.min(block.length, gigabyte - at));
    }
    // Pending writes must not slow down only one of the two sides.
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function timeCat(folder: string, redacted: readonly Secret[] | undefined): Promise<CatTimes> {
  // Pending writes of the previous round must not slow this one down.
  await must('sync', []);
  let began = 0;
  let log = 0;
  const end = await runJob({
    job: {
      name: 'bench' as JobName,
      image: { kind: 'none' },
      tasks: [plainTask('warm' as TaskName, 'true'), plainTask('cat' as TaskName, 'cat large.txt')],
      artifacts: [],
      needs: [],
      timeoutSeconds: 300,
      graceSeconds: 1,
      environment: {},
      engineFlags: [],
      stopOnFailure: false,
    },
    repo: folder,
    out: join(folder, 'out'),
    ownFolders: [],
    origin: { attempt: 1, expectedJobs: [] },
    environment: process.env,
    userPath: process.env.PATH,
    ...(redacted === undefined ? {} : { secrets: redacted }),
    report: (progress) => {
      if (progress.kind === 'task-begin' && progress.task === 'cat') began = performance.now();
      if (progress.kind === 'task-done') log = (performance.now() - began) / 1000;
    },
    cancel: new AbortController().signal,
  });
  if (end.rows[1]?.outcome !== 'passed') throw new Error(`the benchmark's task ended as ${end.outcome}`);
  return { log, job: (performance.now() - began) / 1000 };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
