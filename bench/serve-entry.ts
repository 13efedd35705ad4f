/** An entry of a wwz from soil-server, beside a bare node server with a constant buffer and beside sirv, in turns. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import autocannon from 'autocannon';
import { must, soilServer } from '../test/command.js';
import { makeZip, regular } from '../test/hand-made-zip.js';
import { serveSite } from '../test/soil-server.js';
import { medianOf } from './bench-server.js';
import { formatHistoryTsv, historyRecord } from './history-job.js';
import type { BenchResult } from './result.js';

const content = `<!doctype html>\n<title>a report</title>\n${'<p>A line of a report, and one more.</p>\n'.repeat(200)}`;
const seconds = 3;
const rounds = 3;

export async function benchServeEntry(): Promise<BenchResult[]> {
  const root = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  const site = join(root, 'site');
  const run = join(site, 'github-jobs', '1');
  const open: (() => Promise<void>)[] = [];
  try {
    await mkdir(run, { recursive: true });
    await writeFile(join(run, 'job-0.json'), JSON.stringify(historyRecord(1, 0)));
    await writeFile(join(run, 'job-0.tsv'), formatHistoryTsv());
    await writeFile(join(run, 'job-0.wwz'), makeZip([{ name: 'index.html', content, attributes: regular }]));
    await must(process.execPath, [soilServer, 'rebuild', site]);
    const files = join(root, 'files');
    await mkdir(files);
    await writeFile(join(files, 'index.html'), content);
    await writeFile(join(files, 'index.html.gz'), gzipSync(content));
    const soil = await serveSite(site);
    open.push(soil.stop);
    const bare = await startPeer('bare', files);
    open.push(bare.stop);
    const sirv = await startPeer('sirv', files);
    open.push(sirv.stop);
    const rates = { soil: [] as number[], bare: [] as number[], sirv: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      const soilRate = await rateOf(`${soil.url}github-jobs/1/job-0.wwz/index.html`);
      const bareRate = await rateOf(`${bare.url}index.html`);
      const sirvRate = await rateOf(`${sirv.url}index.html`);
      if (round === 0) continue;
      rates.soil.push(soilRate);
      rates.bare.push(bareRate);
      rates.sirv.push(sirvRate);
    }
    const ours = medianOf(rates.soil);
    const name = 'serve an entry of a wwz (more is better)';
    return [
      {
        ...{ name, ours, unit: 'req/s', peer: medianOf(rates.bare) },
        ...{ peerName: 'node:http with a constant buffer', target: '0.9 of it' },
      },
      {
        ...{ name, ours, unit: 'req/s', peer: medianOf(rates.sirv), peerName: 'sirv' },
        target: '2 times it',
      },
    ];
  } finally {
    for (const stop of open) await stop();
    await rm(root, { recursive: true, force: true });
  }
}

async function rateOf(url: string): Promise<number> {
  const result = await autocannon({
    ...{ url, connections: 32, duration: seconds, headers: { 'accept-encoding': 'gzip' } },
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx + result.errors} errors`);
  return result.requests.average;
}

async function startPeer(kind: 'bare' | 'sirv', files: string) {
  const peer = join(dirname(fileURLToPath(import.meta.url)), 'serve-peer.js');
  const child = spawn(process.execPath, [peer, kind, files], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve) => {
    createInterface(child.stdout).once('line', resolve);
  });
  return {
    url,
    stop: async (): Promise<void> => {
      child.kill();
      await ended;
    },
  };
}
