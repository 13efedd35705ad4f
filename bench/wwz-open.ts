/** Compares our scan with unzipper's: opening a wwz of 22,000 entries and finding one of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Open } from 'unzipper';
import { openWwz } from '../wwz/open.js';
import { writeWwz, type WwzSource } from '../wwz/write.js';
import type { BenchResult } from './result.js';

const entryCount = 22_000;
const rounds = 9;
const wanted = '_test/dir-7/file-7.html';

export async function benchWwzOpen(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  try {
    const path = join(folder, 'large.wwz');
    const sources: WwzSource[] = Array.from({ length: entryCount }, (_, i) => ({
      kind: 'bytes',
      name: `_test/dir-${i % 100}/file-${i}.html`,
      bytes: Buffer.from(`<p>report ${i}</p>\n`.repeat(40)),
    }));
    const written = await writeWwz(path, sources);
    if (!written.ok) throw new Error(written.error);
    return [
      {
        name: `open a wwz of ${entryCount} entries and find one`,
        ours: await median(() => findOurs(path)),
        peer: await median(() => findWithUnzipper(path)),
        unit: 'ms',
        peerName: 'unzipper',
        target: 'a tenth of what unzipper takes',
      },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function findOurs(path: string): Promise<void> {
  const opened = await openWwz(path);
  if (!opened.ok) throw new Error(opened.error);
  const entry = opened.value.find(wanted);
  const found = entry === undefined ? undefined : await opened.value.dataOffset(entry);
  await opened.value.close();
  if (found?.ok !== true) throw new Error(`cannot find ${wanted}`);
}

async function findWithUnzipper(path: string): Promise<void> {
  const directory = await Open.file(path);
  if (!directory.files.some((file) => file.path === wanted)) throw new Error(`cannot find ${wanted}`);
}

/** Returns milliseconds. The two sides alternate, so that other load on the machine affects both equally. */
async function median(work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? NaN;
}
