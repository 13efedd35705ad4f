/** Measures how much the server's memory grows while it receives a job with a wwz of a gigabyte. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import FormData from 'form-data';
import { must, soilServer } from '../test/command.js';
import { writeWwz, type WwzSource } from '../wwz/write.js';
import { startBenchServer } from './bench-server.js';
import { formatHistoryTsv, historyRecord } from './history-job.js';
import type { BenchResult } from './result.js';

const parts = 16;
const MiB = 2 ** 20;

export async function benchLargeUpload(): Promise<BenchResult[]> {
  const root = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  const site = join(root, 'site');
  try {
    const part = join(root, 'part.gz');
    await writeFile(part, randomBytes(64 * MiB));
    const wwz = join(root, 'job-0.wwz');
    const sources: WwzSource[] = Array.from({ length: parts }, (_, i) => ({
      ...{ kind: 'file', name: `part-${i}.gz`, path: part },
    }));
    const written = await writeWwz(wwz, sources);
    if (!written.ok) throw new Error(written.error);
    await must(process.execPath, [soilServer, 'init', '--site', site]);
    const server = await startBenchServer(site);
    try {
      server.watchPeak();
      const before = server.memory().now;
      await send(`${server.url}results?jobName=job-0&workerHost=github`, wwz);
      const { size } = await stat(wwz);
      return [
        {
          ...{
            name: `growth of the server's memory by an upload of ${Math.round(size / MiB)} MB`,
            unit: 'MB',
          },
          ...{
            ours: server.memory().peak - before,
            peer: size / MiB,
            peerName: 'the body itself, as wwup.cgi holds it',
          },
          target: 'less than 50 MB',
        },
      ];
    } finally {
      await server.stop();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function send(url: string, wwz: string): Promise<void> {
  const form = new FormData();
  form.append('wwz', createReadStream(wwz), { filename: 'job-0.wwz' });
  form.append('tsv', formatHistoryTsv(), { filename: 'job-0.tsv' });
  form.append('json', JSON.stringify(historyRecord(1, 0)), { filename: 'job-0.json' });
  const call = request(url, { method: 'POST', headers: form.getHeaders() });
  const answered = new Promise<number>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  await pipeline(form, call);
  const status = await answered;
  if (status !== 201) throw new Error(`cannot upload: ${status}`);
}
