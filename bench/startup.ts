/** Measures how long a command takes to start: `soil-worker --help` and a bare `node -e 0`, alternately. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './result.js';

const main = (room: string): string => join(dirname(fileURLToPath(import.meta.url)), '..', room, 'main.js');
const rounds = 15;

export function benchStartup(): Promise<BenchResult[]> {
  return Promise.resolve([measure('soil-worker', main('worker')), measure('soil-server', main('server'))]);
}

function measure(program: string, file: string): BenchResult {
  const ours: number[] = [];
  const peer: number[] = [];
  // They alternate, so that other load on the machine affects both equally; the first round fills the caches.
  for (let round = 0; round <= rounds; round++) {
    const help = timeOf([file, '--help']);
    const bare = timeOf(['-e', '0']);
    if (round === 0) continue;
    ours.push(help);
    peer.push(bare);
  }
  return {
    ...{ name: `${program} --help`, ours: median(ours), peer: median(peer), unit: 'ms' },
    ...{ peerName: 'node -e 0', target: 'at most 3 times bare node' },
  };
}

function timeOf(args: readonly string[]): number {
  const begin = performance.now();
  const end = spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 60_000 });
  if (end.status !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(end.status)}`);
  return performance.now() - begin;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
