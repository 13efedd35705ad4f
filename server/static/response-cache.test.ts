import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer, request as startRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { writeWwz } from '../../wwz/write.js';
import type { ResponseCacheOptions } from './response-cache.js';
import { openStaticSite, serveSite } from './static-site.js';

const line = '<p>a line of a report</p>\n';
const gzip = { 'accept-encoding': 'gzip' };
const wwz = 'github-jobs/1/job.wwz';

/** Serves a new site, whose clock stops until the test sets it. */
async function openRig(t: TestContext, responses: ResponseCacheOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'soil-response-cache-'));
  const root = join(folder, 'site');
  await mkdir(root);
  const clock = { now: 0 };
  const removed = new Map<string, string>();
  const site = await openStaticSite(root, {
    responses,
    clock: () => clock.now,
    removed: (path) => removed.get(path),
  });
  let requests = 0;
  const header = { name: '', value: '' };
  const server = createServer((request, response) => {
    if (header.name !== '') response.setHeader(header.name, header.value);
    void serveSite(site, request, response, `request-${++requests}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await site.close();
    await rm(folder, { recursive: true });
  });
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const request = startRequest({
      host: '127.0.0.1',
      port,
      path: `/${path}`,
      method,
      headers,
      agent: false,
    });
    const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
  };
  return {
    ...{ folder, root, site, clock, removed, header, port, ask },
    put: async (path: string, content: string): Promise<void> => {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    },
    putWwz: async (path: string, files: Readonly<Record<string, string>>): Promise<void> => {
      await mkdir(dirname(join(root, path)), { recursive: true });
      const written = await writeWwz(
        join(root, path),
        Object.entries(files).map(([name, content]) => ({
          kind: 'bytes',
          name,
          bytes: Buffer.from(content),
        })),
      );
      assert.ok(written.ok, written.ok ? '' : written.error);
    },
    /**
     * Requests a path until it is cached: a file that has just changed is not. Returns the last response from the file.
     */
    warm: async (path: string, headers: Record<string, string> = {}) => {
      const cachedBytes = () => site.responses.gzip.bytes + site.responses.plain.bytes;
      const before = cachedBytes();
      for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
        const reply = await ask(path, headers);
        if (cachedBytes() !== before) return reply;
      }
      throw new Error(`${path} was not cached within 60 s`);
    },
  };
}

type Reply = Awaited<ReturnType<Awaited<ReturnType<typeof openRig>>['ask']>>;

/** Everything that two responses to the same request share. */
const lasting = ({ status, headers, body }: Reply) => ({
  ...{ status, body },
  headers: { ...headers, date: '', 'x-request-id': '' },
});

test('serveSite() sends the same response from the cache as from the file', async (t) => {
  const rig = await openRig(t);
  await rig.put('index.html', line.repeat(100));
  await rig.put('small.txt', 'small');
  await rig.put('empty.txt', '');
  await rig.putWwz(wwz, {
    'index.html': line.repeat(3000),
    'list/a.bin': '\u0000\u00ff\u20ac',
    'list/b': 'b',
  });
  for (const headers of [{}, gzip]) {
    for (const path of ['', 'small.txt', 'empty.txt', `${wwz}/`, `${wwz}/list/`, `${wwz}/list/a.bin`]) {
      const fromFile = await rig.warm(path, headers);
      const fromCache = await rig.ask(path, headers);
      assert.deepEqual(lasting(fromCache), lasting(fromFile), path);
      assert.notEqual(fromCache.headers['x-request-id'], fromFile.headers['x-request-id']);
      const head = await rig.ask(path, headers, 'HEAD');
      assert.deepEqual(lasting(head), { ...lasting(fromFile), body: Buffer.alloc(0) }, path);
      assert.equal((await rig.ask(`${path}?query`, headers)).status, 200);
    }
  }
});

test('serveSite() responds 304 from the cache as it does from the file', async (t) => {
  const rig = await openRig(t);
  await rig.putWwz(wwz, { 'index.html': line });
  const path = `${wwz}/index.html`;
  const etag = String((await rig.ask(path)).headers.etag);
  const fromFile = await rig.ask(path, { 'if-none-match': etag });
  // On a slow machine the file is old enough to be cached already.
  rig.site.responses.plain.clear();
  await rig.warm(path);
  const fromCache = await rig.ask(path, { 'if-none-match': `"other", W/${etag}` });
  assert.equal(fromCache.status, 304);
  assert.deepEqual(lasting(fromCache), lasting(fromFile));
  assert.equal((await rig.ask(path, { 'if-none-match': '"other"' })).status, 200);
});

test('serveSite() caches gzip and plain responses separately', async (t) => {
  const rig = await openRig(t);
  await rig.putWwz(wwz, { 'index.html': line.repeat(100) });
  const path = `${wwz}/index.html`;
  await rig.warm(path, gzip);
  await rig.warm(path);
  const zipped = await rig.ask(path, gzip);
  const plain = await rig.ask(path);
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.deepEqual(gunzipSync(zipped.body), plain.body);
  assert.notEqual(zipped.headers.etag, plain.headers.etag);
  const known = { 'if-none-match': String(zipped.headers.etag) };
  assert.equal((await rig.ask(path, known)).status, 200, 'the tag of another encoding');
  assert.equal((await rig.ask(path, { ...gzip, ...known })).status, 304);
});

test('serveSite() notices at the next request that a cached file was replaced', async (t) => {
  const rig = await openRig(t);
  await rig.putWwz(wwz, { 'index.html': 'old' });
  await rig.put('page.html', 'old');
  for (const path of [`${wwz}/`, 'page.html']) {
    const { headers } = await rig.warm(path);
    await rig.putWwz('next.wwz', { 'index.html': 'new' });
    await rig.put('next.html', 'new');
    await rename(join(rig.root, 'next.wwz'), join(rig.root, wwz));
    await rename(join(rig.root, 'next.html'), join(rig.root, 'page.html'));
    const replaced = await rig.ask(path, { 'if-none-match': String(headers.etag) });
    assert.equal(replaced.status, 200);
    assert.equal(replaced.body.toString(), 'new');
  }
});

test('serveSite() notices at the next request that a cached file was removed', async (t) => {
  const rig = await openRig(t);
  await rig.putWwz(wwz, { 'index.html': 'old' });
  await rig.put('page.html', 'old');
  await rig.warm(`${wwz}/index.html`);
  await rig.warm('page.html');
  await unlink(join(rig.root, wwz));
  await unlink(join(rig.root, 'page.html'));
  rig.removed.set(`${wwz}/index.html`, 'it was pruned');
  assert.equal((await rig.ask(`${wwz}/index.html`)).status, 410);
  assert.equal((await rig.ask('page.html')).status, 404);
  assert.equal(rig.site.responses.plain.bytes, 0);
});

test('serveSite() checks the whole path of a cached file again after a second', async (t) => {
  const rig = await openRig(t);
  await rig.putWwz(wwz, { 'index.html': 'inside' });
  const path = `${wwz}/index.html`;
  await rig.warm(path);
  // The same file, which is now outside the site: stat(2) alone cannot tell.
  await rename(join(rig.root, 'github-jobs'), join(rig.folder, 'outside'));
  await symlink(join(rig.folder, 'outside'), join(rig.root, 'github-jobs'));
  rig.clock.now = 1000;
  assert.equal((await rig.ask(path)).body.toString(), 'inside', 'bytes that were public, from the cache');
  rig.clock.now = 1001;
  assert.equal((await rig.ask(path)).status, 404);
  assert.equal(rig.site.responses.plain.bytes, 0);
});

test('serveSite() bypasses the cache for ranges, digests, service workers and other methods', async (t) => {
  const rig = await openRig(t);
  const commit = 'github-jobs/commits/abcdef0/report.html';
  await rig.put(commit, line.repeat(100));
  const whole = await rig.warm(commit);
  const part = await rig.ask(commit, { range: 'bytes=0-2' });
  assert.equal(part.status, 206);
  assert.equal(part.body.toString(), '<p>');
  const { etag = '' } = whole.headers;
  assert.equal((await rig.ask(commit, { range: 'bytes=0-2', 'if-range': etag })).status, 206);
  assert.equal((await rig.ask(commit, { range: 'bytes=9999-' })).status, 416);
  assert.equal((await rig.ask(commit, { 'service-worker': 'script' })).status, 403);
  assert.equal((await rig.ask(commit, {}, 'POST')).status, 405);
  const digest = await rig.ask(commit, { 'want-repr-digest': 'sha-256=1' });
  assert.match(String(digest.headers['repr-digest']), /^sha-256=:/);
  const later = await rig.ask(commit);
  assert.deepEqual(lasting(later), lasting(whole), 'none of them was cached in its place');
});

test('ResponseCache stays within its bytes, and evicts what is not used', async (t) => {
  const maxBytes = 40_000;
  const rig = await openRig(t, { maxBytes, maxBodyBytes: 20_000 });
  const { plain } = rig.site.responses;
  const cachedBytes = (): number => plain.bytes;
  await rig.put('large.bin', 'x'.repeat(20_001));
  await rig.put('often/a.bin', 'a'.repeat(10_000));
  await rig.put('once/a.bin', 'b'.repeat(10_000));
  for (let i = 0; i < 10; i++) await rig.put(`${i}.bin`, String(i).repeat(10_000));
  // Once the newest is cached, any can be.
  await rig.warm('9.bin');
  plain.clear();
  assert.equal((await rig.ask('large.bin')).body.length, 20_001);
  assert.equal(cachedBytes(), 0);
  await rig.ask('once/a.bin');
  const one = cachedBytes();
  assert.ok(one > 10_000);
  for (let i = 0; i < 10; i++) {
    await rig.ask('often/a.bin');
    assert.equal((await rig.ask(`${i}.bin`)).body.toString(), String(i).repeat(10_000));
    assert.ok(cachedBytes() <= maxBytes);
    assert.ok(cachedBytes() > 2 * one - 100);
  }
  // A file that was moved out of the site is served only from the cache.
  for (const folder of ['often', 'once']) {
    await rename(join(rig.root, folder), join(rig.folder, folder));
    await symlink(join(rig.folder, folder), join(rig.root, folder));
  }
  assert.equal((await rig.ask('often/a.bin')).status, 200);
  assert.equal((await rig.ask('once/a.bin')).status, 404);
});

test('serveSite() responds to pipelined requests in order from the cache', async (t) => {
  const rig = await openRig(t);
  await rig.putWwz(wwz, { a: 'first\n', b: 'second\n' });
  await rig.put('page.html', line.repeat(1000));
  await rig.warm(`${wwz}/a`);
  await rig.warm(`${wwz}/b`);
  const socket = connect(rig.port, '127.0.0.1');
  const paths = ['page.html', `${wwz}/a`, `${wwz}/b`, 'page.html', `${wwz}/a`];
  const closing = (i: number): string => (i === paths.length - 1 ? 'Connection: close\r\n' : '');
  socket.write(paths.map((path, i) => `GET /${path} HTTP/1.1\r\nHost: x\r\n${closing(i)}\r\n`).join(''));
  const text = (await buffer(socket)).toString('latin1');
  const bodies = text.split(/HTTP\/1\.1 200 OK\r\n[^]*?\r\n\r\n/).slice(1);
  assert.deepEqual(bodies, [line.repeat(1000), 'first\n', 'second\n', line.repeat(1000), 'first\n']);
});

test('serveSite() sends a header that was set before in addition to cached ones', async (t) => {
  const rig = await openRig(t);
  await rig.put('page.html', line);
  const before = await rig.warm('page.html');
  Object.assign(rig.header, { name: 'Connection', value: 'close' });
  const { status, headers, body } = await rig.ask('page.html');
  assert.equal(status, 200);
  assert.equal(headers.connection, 'close');
  assert.equal(headers.etag, before.headers.etag);
  assert.equal(body.toString(), line);
});
