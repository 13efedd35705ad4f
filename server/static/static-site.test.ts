import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, get, request as startRequest, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { buildZip } from '../../test/zip-builder.js';
import { checkPage } from '../../test/html-check.js';
import { writeWwz } from '../../wwz/write.js';
import { openStaticSite, serveSite, type StaticSite } from './static-site.js';

const run = promisify(execFile);
let folder = '';
let root = '';
let site: StaticSite;
let server: Server;
let base = '';
const reports: string[] = [];
/** The promises of serveSite(). */
let served: Promise<void>[] = [];

const wwz = '/github-jobs/1234/dev-minimal.wwz';
const big = Buffer.from(Array.from({ length: 400_000 }, (_, i) => `line ${i * 7919}\n`).join(''));
const odd = 'a <b> & "c" %41 #1?.txt';

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function putWwz(path: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  const written = await writeWwz(
    join(root, path),
    Object.entries(files).map(([name, content]) => ({ kind: 'bytes', name, bytes: Buffer.from(content) })),
  );
  assert.ok(written.ok, written.ok ? '' : written.error);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-static-'));
  root = join(folder, 'site');
  await put('index.html', `<h1>home</h1>${'<p>text</p>'.repeat(500)}`);
  await put('status-api/github/98765/dev-minimal', '0 host=github\n');
  await put('github-jobs/1234/dev-minimal.json', '{}');
  await put('github-jobs/commits/abcdef0/report.html', '<script>1</script>');
  await put('.soil/tokens/secret', 'secret');
  await put('with space/index.html', 'spaced');
  await put('unpacked.wwz/a.txt', 'a folder of that name');
  await put('big.bin', big);
  await put('broken.wwz', 'not a zip');
  await writeFile(join(folder, 'outside.txt'), 'outside');
  await symlink(join(folder, 'outside.txt'), join(root, 'leak.txt'));
  await symlink(folder, join(root, 'leak'));
  await symlink(join(root, '.soil'), join(root, 'hidden'));
  await symlink('index.html', join(root, 'inside.html'));
  await run('mkfifo', [join(root, 'fifo')]);
  await putWwz(wwz, {
    'index.html': '<h1>job</h1>',
    '_soil/logs/unit.txt': 'ok\n'.repeat(100),
    '_soil/logs/big.txt': big,
    'pictures/a.png': Buffer.alloc(100_000, 'png'),
    [`list/${odd}`]: 'odd',
    'list/sub/x.html': 'x',
    'list/.hidden': 'h',
    '.dot': 'd',
  });
  site = await openStaticSite(root, { maxOpen: 2, report: (message) => reports.push(message) });
  server = createServer((request, response) => {
    served.push(serveSite(site, request, response, 'an-id'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await site.close();
  await rm(folder, { recursive: true });
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Sends a request with the path unchanged: fetch would normalize the path and add headers. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  const { hostname, port } = new URL(base);
  const request = startRequest({ hostname, port, path, method, headers, agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
}

const gzip = { 'accept-encoding': 'gzip' };

test('serveSite() serves files of the site, a folder by its index.html', async () => {
  const home = await ask('/');
  assert.equal(home.status, 200);
  assert.match(home.body.toString(), /^<h1>home/);
  assert.equal(home.headers['content-type'], 'text/html; charset=utf-8');
  assert.match(String(home.headers['content-security-policy']), /^default-src 'self';/);
  assert.equal(home.headers['x-content-type-options'], 'nosniff');
  assert.equal(home.headers['cache-control'], 'no-cache');
  assert.equal((await ask('/index.html?query')).body.toString(), home.body.toString());
  assert.equal((await ask('/with%20space/')).body.toString(), 'spaced');
  assert.equal((await ask('/inside.html')).status, 200, 'a symlink inside the site');
});

test('serveSite() redirects a folder without its slash, relatively', async () => {
  const redirected = await ask('/with%20space?a=b');
  assert.equal(redirected.status, 301);
  assert.equal(redirected.headers.location, './with%20space/?a=b');
  assert.equal((await ask(`${wwz}/list`)).headers.location, './list/');
  assert.equal(await (await fetch(`${base}/with%20space`)).text(), 'spaced');
});

for (const path of [
  '/missing',
  '/github-jobs/',
  '/index.html/',
  '/index.html/x',
  '/.soil/tokens/secret',
  '/%2esoil/tokens/secret',
  '/hidden/tokens/secret',
  '/leak.txt',
  '/leak/outside.txt',
  '/../outside.txt',
  '/%2e%2e/outside.txt',
  '/..%2foutside.txt',
  '/%252e%252e/outside.txt',
  '/a/../index.html',
  '//index.html',
  '/index.html%00',
  '/%ff',
  '/%',
  '/..\\outside.txt',
  '/fifo',
  `/${'x'.repeat(300)}`,
  `${wwz}/missing`,
  `${wwz}/.dot`,
  `${wwz}/list/.hidden`,
  `${wwz}/../dev-minimal.json`,
  `${wwz}/index.html/`,
  `${wwz}/index.html/x`,
  '/leak.wwz/x',
  '/unpacked.wwz/b.txt',
]) {
  test(`serveSite() responds 404 to ${path.slice(0, 60)}`, async () => {
    const reply = await ask(path);
    assert.equal(reply.status, 404);
    assert.equal(reply.headers['content-type'], 'text/plain; charset=utf-8');
    assert.match(reply.body.toString(), /^cannot (find|serve) "/);
  });
}

test('serveSite() sends a browser a not-found page with links home', async () => {
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
  for (const path of [
    '/nothing',
    '/github-jobs/7/',
    '/github-jobs/7/x/y.txt?a=/b',
    '/a//b',
    `${wwz}/missing`,
  ]) {
    const reply = await ask(path, { accept });
    assert.equal(reply.status, 404, path);
    assert.equal(reply.headers['content-type'], 'text/html; charset=utf-8');
    assert.match(String(reply.headers['content-security-policy']), /default-src 'self'/);
    const { faults, elements, text } = checkPage(reply.body.toString());
    assert.deepEqual(faults, [], path);
    assert.match(text, /Cannot (find|serve) "/);
    const links = elements.flatMap((e) => e.attributes.get('href') ?? []);
    const targets = links.map((link) => new URL(link, `http://site${path}`).pathname);
    assert.deepEqual(targets.slice(0, 2), ['/web/icon.svg', '/web/style.css'], path);
    assert.equal(targets.at(-1), '/index.html', path);
    assert.equal(targets.includes('/github-jobs/index.html'), path.startsWith('/github-jobs/'), path);
  }
});

test('serveSite() refuses other methods and lists those it allows', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const reply = await ask('/', {}, method);
    assert.equal(reply.status, 405);
    assert.equal(reply.headers.allow, 'GET, HEAD');
  }
});

test('serveSite() serves the status API as text with no-store', async () => {
  const reply = await ask('/status-api/github/98765/dev-minimal');
  assert.equal(reply.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(reply.headers['cache-control'], 'no-store');
});

test('serveSite() serves the zip itself as a download', async () => {
  const reply = await ask(wwz);
  assert.equal(reply.headers['content-type'], 'application/zip');
  assert.equal(reply.body.readUInt32LE(0), 0x04034b50);
});

test('serveSite() sends a deflated entry as gzip if the client accepts it, and inflated otherwise', async () => {
  const path = `${wwz}/_soil/logs/unit.txt`;
  const plain = await ask(path);
  const zipped = await ask(path, gzip);
  assert.equal(plain.body.toString(), 'ok\n'.repeat(100));
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(plain.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(zipped.headers['content-length'], String(zipped.body.length));
  assert.deepEqual(gunzipSync(zipped.body), plain.body);
  for (const reply of [plain, zipped]) assert.equal(reply.headers.vary, 'Accept-Encoding');
  assert.notEqual(plain.headers.etag, zipped.headers.etag);
  for (const accept of ['gzip;q=0', 'identity', 'br', '*;q=0', 'gzip;q=0, *']) {
    const reply = await ask(path, { 'accept-encoding': accept });
    assert.equal(reply.headers['content-encoding'], undefined, accept);
  }
  for (const accept of ['br, gzip;q=0.1', '*', 'GZIP']) {
    const reply = await ask(path, { 'accept-encoding': accept });
    assert.equal(reply.headers['content-encoding'], 'gzip', accept);
  }
  const stored = await ask(`${wwz}/pictures/a.png`, gzip);
  assert.equal(stored.headers['content-encoding'], undefined);
  assert.equal(stored.body.length, 100_000);
});

test('serveSite() serves large entries whole, by fetch and by curl', async () => {
  const fetched = await fetch(`${base}${wwz}/_soil/logs/big.txt`);
  assert.ok(Buffer.from(await fetched.arrayBuffer()).equals(big));
  for (const flags of [['--compressed'], []]) {
    const { stdout } = await run('curl', ['-sS', ...flags, `${base}${wwz}/_soil/logs/big.txt`], {
      encoding: 'buffer',
      maxBuffer: 2 ** 26,
    });
    assert.ok(stdout.equals(big));
  }
});

test('serveSite() compresses text of the site, but not small or binary files', async () => {
  const page = await ask('/', gzip);
  assert.equal(page.headers['content-encoding'], 'gzip');
  assert.match(gunzipSync(page.body).toString(), /^<h1>home/);
  assert.equal(
    (await ask('/github-jobs/1234/dev-minimal.json', gzip)).headers['content-encoding'],
    undefined,
  );
  assert.equal((await ask('/big.bin', gzip)).headers['content-encoding'], undefined);
});

test('serveSite() responds to HEAD with the headers of GET', async () => {
  for (const path of [
    '/',
    '/big.bin',
    wwz,
    `${wwz}/`,
    `${wwz}/list/`,
    `${wwz}/_soil/logs/big.txt`,
    '/missing',
  ]) {
    for (const headers of [{}, gzip]) {
      const got = await ask(path, headers);
      const head = await ask(path, headers, 'HEAD');
      assert.equal(head.status, got.status);
      assert.equal(head.body.length, 0);
      // How a body without a known length is framed belongs to the body.
      const same = (reply: Reply) => ({ ...reply.headers, date: '', 'transfer-encoding': '' });
      assert.deepEqual(same(head), same(got), path);
    }
  }
});

test('serveSite() responds 304 to a client that has the content', async () => {
  for (const headers of [{}, gzip]) {
    for (const path of ['/', `${wwz}/`, `${wwz}/list/`]) {
      const etag = String((await ask(path, headers)).headers.etag);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const reply = await ask(path, { ...headers, 'if-none-match': known });
        assert.equal(reply.status, 304, `${path} ${known}`);
        assert.equal(reply.headers.etag, etag);
        assert.equal(reply.body.length, 0);
      }
      assert.equal((await ask(path, { ...headers, 'if-none-match': '"other"' })).status, 200);
    }
  }
  const zipped = String((await ask(`${wwz}/`, gzip)).headers.etag);
  assert.equal(
    (await ask(`${wwz}/`, { 'if-none-match': zipped })).status,
    200,
    'the tag of another encoding',
  );
});

test('serveSite() sends a range of the content with any Accept-Encoding', async () => {
  for (const path of ['/big.bin', `${wwz}/_soil/logs/big.txt`]) {
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=1000-200000', 1000, 200_001],
      ['bytes=-10', big.length - 10, big.length],
      [`bytes=${big.length - 3}-`, big.length - 3, big.length],
      [`bytes=5-${big.length * 2}`, 5, big.length],
    ] as const) {
      const reply = await ask(path, { range, ...gzip });
      assert.equal(reply.status, 206);
      assert.equal(reply.headers['content-range'], `bytes ${start}-${end - 1}/${big.length}`);
      assert.equal(reply.headers['content-encoding'], undefined);
      assert.ok(reply.body.equals(big.subarray(start, end)));
    }
    const beyond = await ask(path, { range: `bytes=${big.length}-` });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], `bytes */${big.length}`);
    for (const range of ['bytes=2-1', 'bytes=0-0,5-6', 'lines=1-2', 'bytes=-']) {
      assert.equal((await ask(path, { range })).status, 200, range);
    }
    const etag = String((await ask(path)).headers.etag);
    const range = 'bytes=0-3';
    assert.equal((await ask(path, { range, 'if-range': etag })).status, 206);
    assert.equal((await ask(path, { range, 'if-range': `W/${etag}` })).status, 200);
    assert.equal((await ask(path, { range, 'if-range': '"older"' })).status, 200);
  }
});

test('serveSite() lists a folder of a wwz, escaped and encoded', async () => {
  const reply = await ask(`${wwz}/list/`);
  const html = reply.body.toString();
  assert.equal(reply.headers['content-type'], 'text/html; charset=utf-8');
  assert.match(String(reply.headers['content-security-policy']), /default-src 'none'/);
  assert.match(html, /<a href="\.\/sub\/"><bdi>sub\/<\/bdi><\/a>/);
  assert.match(html, /a &lt;b&gt; &amp; &quot;c&quot; %41 #1\?\.txt/);
  assert.doesNotMatch(html, /<b>|\.hidden/);
  assert.match(html, /Names that start with a dot are not listed \(1\)/);
  const href = /href="(\.\/a[^"]*)"/.exec(html)?.[1] ?? '';
  assert.equal(await (await fetch(new URL(href, `${base}${wwz}/list/`))).text(), 'odd');
});

test("serveSite() sandboxes a task's HTML, and refuses it as a service worker", async () => {
  for (const path of [`${wwz}/index.html`, '/github-jobs/commits/abcdef0/report.html']) {
    const reply = await ask(path);
    const policy = String(reply.headers['content-security-policy']);
    assert.match(policy, /^sandbox allow-scripts/);
    assert.doesNotMatch(policy, /allow-same-origin/);
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.equal(reply.headers['referrer-policy'], 'no-referrer');
    assert.equal((await ask(path, { 'service-worker': 'script' })).status, 403);
  }
});

test('serveSite() serves a folder that is named like a wwz', async () => {
  assert.equal((await ask('/unpacked.wwz/a.txt')).body.toString(), 'a folder of that name');
});

test('serveSite() responds 500 for a broken wwz, and reports it', async () => {
  reports.length = 0;
  assert.equal((await ask('/broken.wwz/a')).status, 500);
  assert.match(reports.join(), /cannot serve "\/broken.wwz\/a": .*no end of central directory/);
});

test('serveSite() does not serve an entry with a wrong checksum', async () => {
  await put(
    'lying.wwz',
    buildZip([
      { name: 'a', content: 'x', crc: 1 },
      { name: 'b', content: big, crc: 1 },
    ]),
  );
  assert.equal((await ask('/lying.wwz/a')).status, 500);
  await assert.rejects(ask('/lying.wwz/b'), /aborted/);
});

test('a wwz that was replaced shows its new content at the next request', async () => {
  const path = 'srht-jobs/1/replaced.wwz';
  await putWwz(path, { 'index.html': 'old', 'gone.html': 'gone', 'l.txt': big });
  const old = await ask(`/${path}/`);
  assert.equal(old.body.toString(), 'old');
  const slow = await openSlowly(`/${path}/l.txt`);
  const { root: before } = site;
  await putWwz('srht-jobs/1/next.wwz', { 'index.html': 'new' });
  await rename(join(before, 'srht-jobs/1/next.wwz'), join(before, path));
  const replaced = await ask(`/${path}/`, { 'if-none-match': String(old.headers.etag) });
  assert.equal(replaced.status, 200);
  assert.equal(replaced.body.toString(), 'new');
  assert.equal((await ask(`/${path}/gone.html`)).status, 404);
  assert.ok((await buffer(slow)).equals(big), 'the request in progress received the old content to its end');
});

async function openSlowly(path: string): Promise<IncomingMessage> {
  const [response] = (await once(get(`${base}${path}`, { agent: false }), 'response')) as [IncomingMessage];
  return response;
}

/** Returns the files of the site that this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(site.root) ? [path] : [];
    } catch {
      return [];
    }
  });
}

test('serveSite() closes files when clients disconnect, and keeps few wwz files open', async () => {
  for (let i = 0; i < 6; i++) await putWwz(`local-jobs/${i}/a.wwz`, { 'index.html': String(i) });
  for (let i = 0; i < 6; i++) assert.equal((await ask(`/local-jobs/${i}/a.wwz/`)).body.toString(), String(i));
  await Promise.all(served);
  served = [];
  const leavers = ['/big.bin', `${wwz}/_soil/logs/big.txt`, '/local-jobs/0/a.wwz/', '/'];
  for (let round = 0; round < 5; round++) {
    for (const path of leavers) {
      for (const encoding of ['identity', 'gzip']) {
        const socket = connect(Number(new URL(base).port), '127.0.0.1');
        await once(socket, 'connect');
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${encoding}\r\n\r\n`);
        await once(socket, 'data');
        socket.destroy();
        await once(socket, 'close');
      }
    }
  }
  await Promise.all(served);
  assert.equal(served.length, 40);
  // Evicted files are closed soon after; the limit ends the wait if one leaks.
  for (let turn = 0; turn < 10_000 && openFiles().length > 2; turn++) await new Promise(setImmediate);
  assert.ok(openFiles().length <= 2, openFiles().join(', '));
});
