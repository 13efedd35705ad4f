/** Compares serving a wwz entry and a file of the site with bare Node servers of a constant buffer and with sirv, alternately. */
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
import { buildZip, regular } from '../test/zip-builder.js';
import { startServing } from '../test/soil-server.js';
import { medianOf } from './bench-server.js';
import { formatHistoryTsv, historyRecord } from './history-job.js';
import type { BenchResult } from './result.js';

const content = `<!doctype html>\n<title>a report</title>\n${'<p>A line of a report, and one more.</p>\n'.repeat(200)}`;
const artifact = 'github-jobs/commits/0123456789abcdef0123456789abcdef01234567/report.html';
const seconds = 3;
const rounds = 5;

export async function benchServeEntry(): Promise<BenchResult[]> {
  const root = await mkdtemp(join(tmpdir(), 'soil-bench-'));
  const site = join(root, 'site');
  const run = join(site, 'github-jobs', '1');
  const open: (() => Promise<void>)[] = [];
  try {
    await mkdir(run, { recursive: true });
    await writeFile(join(run, 'job-0.json'), JSON.stringify(historyRecord(1, 0)));
    await writeFile(join(run, 'job-0.tsv'), formatHistoryTsv());
    await writeFile(join(run, 'job-0.wwz'), buildZip([{ name: 'index.html', content, attributes: regular }]));
    await must(process.execPath, [soilServer, 'rebuild', site]);
    await mkdir(join(site, dirname(artifact)), { recursive: true });
    await writeFile(join(site, artifact), content);
    const files = join(root, 'files');
    await mkdir(files);
    await writeFile(join(files, 'index.html'), content);
    await writeFile(join(files, 'index.html.gz'), gzipSync(content));
    const soil = await serveLogged(site, join(root, 'log'));
    open.push(soil.stop);
    const bare = await startPeer('bare', files);
    open.push(bare.stop);
    const sameHead = await startPeer('same-head', files);
    open.push(sameHead.stop);
    const sirv = await startPeer('sirv', files);
    open.push(sirv.stop);
    const urls = {
      entry: `${soil.url}github-jobs/1/job-0.wwz/index.html`,
      bare: `${bare.url}index.html`,
      file: `${soil.url}${artifact}`,
      sameHead: `${sameHead.url}index.html`,
      sirv: `${sirv.url}index.html`,
    };
    const rates = { entry: [], file: [], bare: [], sameHead: [], sirv: [] } as Record<
      keyof typeof urls,
      number[]
    >;
    for (let round = 0; round <= rounds; round++) {
      for (const [what, url] of Object.entries(urls)) {
        const rate = await rateOf(url);
        if (round > 0) rates[what as keyof typeof urls].push(rate);
      }
    }
    const result = (what: 'entry' | 'file', peer: 'bare' | 'sameHead' | 'sirv'): BenchResult => ({
      ...{ name: names[what], ours: medianOf(rates[what]), unit: 'req/s' },
      ...{ peer: medianOf(rates[peer]), ...peers[peer] },
    });
    return [
      ...[result('entry', 'bare'), result('entry', 'sameHead'), result('entry', 'sirv')],
      ...[result('file', 'bare'), result('file', 'sirv')],
    ];
  } finally {
    for (const stop of open) await stop();
    await rm(root, { recursive: true, force: true });
  }
}

const names = {
  entry: 'serve an entry of a wwz (more is better)',
  file: 'serve a file of the site (more is better)',
};

const peers = {
  bare: { peerName: 'node:http with a constant buffer', target: '0.9 of it' },
  sameHead: { peerName: 'the same with as many headers', target: '0.9 of it' },
  sirv: { peerName: 'sirv', target: '2 times it' },
};

/** Serves a site. The log goes to a file, as under a service manager, so that the benchmark need not read it. */
function serveLogged(site: string, log: string) {
  const command = [process.execPath, soilServer, 'serve', '--site', site, '--port', '0'];
  return startServing(['sh', '-c', 'log=$1; shift; exec "$@" 2>"$log"', 'sh', log, ...command]);
}

async function rateOf(url: string): Promise<number> {
  const result = await autocannon({
    ...{ url, connections: 32, duration: seconds, headers: { 'accept-encoding': 'gzip' } },
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx + result.errors} errors`);
  return result.requests.average;
}

async function startPeer(kind: 'bare' | 'same-head' | 'sirv', files: string) {
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
