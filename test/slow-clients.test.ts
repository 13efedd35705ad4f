import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';
import { commit, formOf, shellJob } from './upload-form.js';

let folder: string;
let server: ServedSite;
let token: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-clients-'));
  token = await makeSite(join(folder, 'site'));
  const limits = '{ header-time: 2s, idle-time: 3s, rate-bytes: 1KiB, rate-time: 1s }';
  await writeFile(join(folder, 'soil-server.yml'), `limits: ${limits}\nprojects:\n  /: { site: site }\n`);
  server = await serveConfig(join(folder, 'soil-server.yml'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function open(): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  return socket;
}

const head = (rest: string): string =>
  `POST /results?jobName=dev-minimal&workerHost=github HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: multipart/form-data; boundary=b\r\n${rest}\r\n`;

/** Waits for the end of a connection, also by a reset, at which once() of node:events throws. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else {
      socket.on('close', () => {
        resolve();
      });
    }
  });

/** Returns what the server sends until it ends the connection, while `feed` slowly sends more. */
async function answerTo(begin: string, feed?: string): Promise<string> {
  const socket = open();
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(begin);
  // Only after reading: a write to a connection that was reset drops what is unread.
  const write = (): void => {
    setImmediate(() => {
      if (text === '' && socket.writable) socket.write(feed ?? '');
    });
  };
  const timer = feed === undefined ? undefined : setInterval(write, 200);
  await closed(socket);
  clearInterval(timer);
  return text;
}

let runs = 0;
async function uploadNormally(): Promise<number> {
  const run = String(++runs);
  const job = await shellJob({ GITHUB_RUN_NUMBER: run, GITHUB_RUN_ID: `${run}00` });
  const response = await fetch(new URL('results?jobName=dev-minimal&workerHost=github', server.url), {
    ...{ method: 'POST', body: formOf(job), headers: { Authorization: `Bearer ${token}` } },
  });
  return response.status;
}

async function peakKilobytes(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]);
}

const part = '--b\r\nContent-Disposition: form-data; name="wwz"; filename="dev-minimal.wwz"\r\n\r\n';

test('a client that sends headers or body too slowly, or nothing, is disconnected', async () => {
  const [headers, body, idle] = await Promise.all([
    answerTo('POST /results HTTP/1.1\r\nHost: x\r\n', 'X: y\r\n'),
    answerTo(head('Content-Length: 1000000\r\n') + part, 'x'),
    answerTo(head('Content-Length: 1000000\r\n') + part),
  ]);
  assert.match(headers, /^HTTP\/1\.1 408 /);
  for (const text of [body, idle]) {
    assert.match(text, /^HTTP\/1\.1 408 .*fewer than 1024 bytes arrived in 1 s/s);
  }
  assert.equal(await uploadNormally(), 201);
});

test('bodies that do not match their headers are refused and leave nothing', async () => {
  const close = 'Connection: close\r\n';
  const sized = (body: string): string => head(`${close}Content-Length: ${body.length}\r\n`) + body;
  const field = (i: number): string => `--b\r\nContent-Disposition: form-data; name="f${i}"\r\n\r\nv\r\n`;
  const nameless = '--b\r\nContent-Disposition: form-data; filename="dev-minimal.wwz"\r\n\r\nx\r\n--b--\r\n';
  const table: [string, string, RegExp][] = [
    ['no last boundary', sized(`${part}abc`), /^HTTP\/1\.1 400 .*Unexpected end of form/s],
    ['a file without a name', sized(nameless), /^HTTP\/1\.1 400 .*cannot accept file field/s],
    [
      'a field without a name',
      sized('--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n'),
      /^HTTP\/1\.1 400 .*one of its parts has no name/s,
    ],
    [
      '10,000 fields',
      sized(`${Array.from({ length: 10_000 }, (_, i) => field(i)).join('')}--b--\r\n`),
      /^HTTP\/1\.1 413 .*more than 20 fields/s,
    ],
    ['too small a length', `${head(`${close}Content-Length: 10\r\n`)}${part}`, /^HTTP\/1\.1 400 /],
    [
      'chunks without an end',
      `${head('Transfer-Encoding: chunked\r\n')}${part.length.toString(16)}\r\n${part}\r\n`,
      /^HTTP\/1\.1 408 /,
    ],
  ];
  for (const [name, bytes, pattern] of table) assert.match(await answerTo(bytes), pattern, name);
  assert.equal(await uploadNormally(), 201);
  // The client was disconnected: its folder is removed once the server notices.
  const staging = join(folder, 'site', '.soil', 'staging');
  for (const until = Date.now() + 20_000; (await readdir(staging)).length > 0 && Date.now() < until;) {
    await fetch(server.url);
  }
  assert.deepEqual(await readdir(staging), []);
});

test('500 idle connections do not keep other clients from being served, and memory is bounded', async () => {
  const before = await peakKilobytes();
  const sockets = Array.from({ length: 500 }, (_, i) => {
    const socket = open();
    socket.resume();
    socket.write(i % 2 === 0 ? 'GET / HTTP/1.1\r\nHost: x\r\n' : 'POST /event HTTP/1.1\r\n');
    return socket;
  });
  await Promise.all(sockets.flatMap((socket) => (socket.connecting ? [once(socket, 'connect')] : [])));
  for (let i = 0; i < 5; i++) assert.equal(await uploadNormally(), 201);
  assert.ok((await fetch(server.url)).ok);
  await Promise.all(sockets.map(closed));
  const grown = (await peakKilobytes()) - before;
  assert.ok(grown < 100_000, `${grown} kB more`);
});

test('an upload of a gigabyte needs less than 50 MB of memory', async (t) => {
  const chunk = new Uint8Array(256 * 1024).fill(7);
  const send = async (name: string, chunks: number): Promise<number> => {
    let left = chunks;
    const body = new ReadableStream({
      pull: (controller) => {
        if (left-- > 0) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const init = { method: 'PUT', body, duplex: 'half', headers: { Authorization: `Bearer ${token}` } };
    const url = new URL(`artifacts/github/${commit}/${name}`, server.url);
    return (await fetch(url, init as RequestInit)).status;
  };
  // The first uploads fill buffers that remain allocated.
  assert.equal(await send('small', 128), 201);
  const before = await peakKilobytes();
  assert.equal(await send('large', 4096), 201);
  const grown = (await peakKilobytes()) - before;
  t.diagnostic(`${grown} kB more`);
  assert.ok(grown < 50_000, `${grown} kB more`);
});
