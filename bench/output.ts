/**
 * Measures what a gigabyte of output costs on its way into a log: `cat` into the pipe of a try, whose log is stamped and
 * indexed, with and without secrets, against `cat` into an ordinary pipe whose other end another `cat` writes to a file.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../test/command.js';
import { FifoOutput } from '../worker/output/fifo-output.js';
import { TaskLog } from '../worker/output/task-log.js';
import { createRedactor } from '../worker/redact/redactor.js';
import type { Secret } from '../worker/redact/secret-pattern.js';
import type { BenchResult } from './result.js';

const gigabyte = 1_000_000_000;
const rounds = 2;
const secrets: readonly Secret[] = [
  { name: 'DEPLOY_TOKEN', value: 'dp_4f9a2c71be08d36e5570aa19' },
  { name: 'PASSWORD', value: 'correct horse/battery' },
];

interface Measured {
  /** wall time, seconds */
  readonly wall: number;
  /** processor time of this process, all threads, seconds */
  readonly processor: number;
}

export async function benchOutput(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  try {
    const results: BenchResult[] = [];
    const redactor = createRedactor(secrets);
    for (const { name, line, isRedacted, target } of cases) {
      await writeLog(join(folder, 'large.txt'), line);
      const ours: Measured[] = [];
      const peer: number[] = [];
      for (let round = 0; round < rounds; round++) {
        // They alternate, so that other load on the machine affects both equally.
        ours.push(await timeLog(folder, isRedacted ? redactor : undefined));
        peer.push(await timePipe(folder));
      }
      const best = (pick: (measured: Measured) => number) => Math.min(...ours.map(pick));
      results.push(
        {
          ...{ name: `1 GB ${name}, until its log is complete`, ours: best(({ wall }) => wall), unit: 's' },
          ...{ peer: Math.min(...peer), peerName: 'cat | cat >file', target },
        },
        {
          ...{ name: '  processor time of the worker', ours: best(({ processor }) => processor), unit: 's' },
          ...{ peer: Math.min(...peer), peerName: 'cat | cat >file, wall time', target },
        },
      );
    }
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Case {
  readonly name: string;
  readonly line: (i: number) => string;
  readonly isRedacted: boolean;
  readonly target: string;
}

const compilerLine = (i: number): string =>
  `[${i}/20000] c++ -O2 -Wall -Iinclude -c src/part-${(i * 7919) % 20011}.cc -o out/part-${i}.o`;

const cases: readonly Case[] = [
  { name: 'without secrets', line: compilerLine, isRedacted: false, target: '2 s: 500 MB/s on one core' },
  {
    name: 'with two secrets',
    // One line in 20,000 has a secret.
    line: (i) =>
      i === 10_000 ? `curl --header 'Authorization: ${secrets[0]?.value ?? ''}'` : compilerLine(i),
    isRedacted: true,
    target: 'at most 1.3 times as much as without secrets',
  },
  {
    name: 'in which every line mentions errors',
    line: (i) => `src/part-${i}.cc: 0 errors, 0 failures, no exception in this assertion`,
    isRedacted: false,
    target: '10 s: 100 MB/s',
  },
  {
    name: 'with colors in every line',
    line: (i) => `\u001b[1m\u001b[3${i % 8}m part-${i}\u001b[39m\u001b[22m ${compilerLine(i)}`,
    isRedacted: false,
    target: '10 s: 100 MB/s',
  },
];

async function writeLog(file: string, line: (i: number) => string): Promise<void> {
  const block = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${line(i)}\n`).join(''));
  const handle = await open(file, 'w');
  try {
    for (let at = 0; at < gigabyte; at += block.length) {
      await handle.write(block, 0, Math.min(block.length, gigabyte - at));
    }
  } finally {
    await handle.close();
  }
}

/** Runs `cat` with the pipe of a try as its output. */
async function timeLog(
  folder: string,
  redactor: ReturnType<typeof createRedactor> | undefined,
): Promise<Measured> {
  const log = join(folder, 'log');
  await TaskLog.remove(log);
  const channel = new FifoOutput({
    folder: join(folder, 'out'),
    spare: { folder: join(folder, 'spare'), environment: process.env },
    report: (text) => {
      throw new Error(text);
    },
  });
  const id = { number: 1, try: 1 };
  await channel.begin(id, await TaskLog.create({ file: log, redactor }));
  const output = openSync(join(folder, 'out', '1.1'), 'w');
  const began = performance.now();
  const before = process.cpuUsage();
  const cat = spawn('cat', [join(folder, 'large.txt')], { stdio: ['ignore', output, 'inherit'] });
  closeSync(output);
  await once(cat, 'exit');
  await channel.end(id);
  const used = process.cpuUsage(before);
  const wall = (performance.now() - began) / 1000;
  await channel.close();
  await rm(join(folder, 'spare'), { recursive: true });
  return { wall, processor: (used.user + used.system) / 1e6 };
}

async function timePipe(folder: string): Promise<number> {
  const copy = join(folder, 'copy');
  await rm(copy, { force: true });
  const began = performance.now();
  await must('sh', ['-c', 'cat "$1" | cat >"$2"', 'sh', join(folder, 'large.txt'), copy]);
  return (performance.now() - began) / 1000;
}
