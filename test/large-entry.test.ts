import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { crc32, createDeflateRaw } from 'node:zlib';
import { openStaticSite, serveSite } from '../server/static/static-site.js';
import { buildZip } from './zip-builder.js';

test('serveSite() serves an entry of 1 GiB in bounded memory', async (t) => {
  const size = 2 ** 30;
  const piece = Buffer.alloc(2 ** 20, 'a line of a long log\n');
  const deflater = createDeflateRaw({ level: 1 });
  const deflated = buffer(deflater);
  let crc = 0;
  for (let i = 0; i < size / piece.length; i++) {
    crc = crc32(piece, crc);
    if (!deflater.write(piece)) await once(deflater, 'drain');
  }
  deflater.end();
  const root = await mkdtemp(join(tmpdir(), 'soil-large-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, 'huge.wwz'), buildZip([{ name: 'a.log', data: await deflated, crc, size }]));
  const site = await openStaticSite(root, { maxOpen: 2, report: () => undefined });
  t.after(() => site.close());
  const server = createServer((request, response) => void serveSite(site, request, response, 'an-id'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/huge.wwz/a.log`;
  const request = async (headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const [response] = (await once(get(url, { agent: false, headers }), 'response')) as [IncomingMessage];
    return response;
  };

  const before = process.memoryUsage().rss;
  let most = 0;
  let received = 0;
  for await (const part of await request()) {
    received += (part as Buffer).length;
    most = Math.max(most, process.memoryUsage().rss);
  }
  assert.equal(received, size);
  assert.ok(most - before < 150 * 2 ** 20, `memory grew by ${most - before} bytes`);
  const tail = await request({ range: 'bytes=-21' });
  assert.equal(tail.statusCode, 206);
  assert.equal((await buffer(tail)).length, 21);
});
