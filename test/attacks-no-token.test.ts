/** Attacks of clients without a token: many connections, pipelined requests, metrics, and probes of the disk. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';
import { must, soilServer } from './command.js';
import { waitUntil } from './wait-for.js';

let folder: string;
let server: ServedSite;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-attack-'));
  await makeSite(join(folder, 'site'));
  await writeFile(join(folder, 'site', 'large.bin'), Buffer.alloc(400_000, 'x'));
  const config = 'limits: { address-connections: 40, header-time: 60s }\nprojects:\n  /: { site: site }\n';
  await writeFile(join(folder, 'soil-server.yml'), config);
  server = await serveConfig(join(folder, 'soil-server.yml'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Opens a connection from an address of this machine. */
function open(t: TestContext, localAddress: string): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

/** Sends a request and returns the whole answer; empty if the connection ends without one. */
function ask(t: TestContext, localAddress: string, text: string): Promise<string> {
  const socket = open(t, localAddress);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.write(text);
  return new Promise((resolve) => {
    socket.on('close', () => {
      resolve(answer);
    });
  });
}

const getHome = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

test('N1: half-sent headers and idle connections of one address leave the server to others', async (t) => {
  let refused = 0;
  const greedy = Array.from({ length: 60 }, () => {
    const socket = open(t, '127.0.0.2');
    socket.on('data', (chunk: Buffer) => (refused += chunk.includes(' 429 ') ? 1 : 0));
    socket.write('GET / HTTP/1.1\r\nX: ');
    return socket;
  });
  await waitUntil('20 of 60 connections are refused', () => refused === 20);
  assert.match(await ask(t, '127.0.0.2', getHome), /^HTTP\/1\.1 429 .*Retry-After: \d+.*it has 40 open\n$/s);
  assert.match(await ask(t, '127.0.0.3', getHome), /^HTTP\/1\.1 200 /);
  for (const socket of greedy) socket.destroy();
  await waitUntil('a closed connection makes room', async () =>
    (await ask(t, '127.0.0.2', getHome)).startsWith('HTTP/1.1 200 '),
  );
});

test('N1: a request on a refused connection has no effect', async (t) => {
  const greedy = Array.from({ length: 40 }, () => open(t, '127.0.0.4'));
  await Promise.all(greedy.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const before = server.log();
  await ask(t, '127.0.0.4', 'GET /refused-connection HTTP/1.1\r\nHost: x\r\n\r\n');
  await wait(50);
  assert.doesNotMatch(server.log().slice(before.length), /refused-connection/);
});

test('N2: a client that pipelines requests and reads nothing holds one file open', async (t) => {
  const pid = String(server.pid);
  const openFiles = async (): Promise<number> => {
    const links = (await readdir(`/proc/${pid}/fd`)).map((fd) =>
      readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''),
    );
    return (await Promise.all(links)).filter((link) => link.endsWith('/large.bin')).length;
  };
  const sockets = Array.from({ length: 3 }, () => {
    const socket = open(t, '127.0.0.5');
    socket.pause();
    socket.write('GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000));
    return socket;
  });
  await waitUntil('the server sends what fits', () => sockets.every((s) => s.bytesWritten > 0));
  await wait(300);
  assert.ok((await openFiles()) <= 3, String(await openFiles()));
  assert.match(await ask(t, '127.0.0.6', getHome), /^HTTP\/1\.1 200 /);
});

test('N2: pipelined requests are answered in their order', async (t) => {
  const paths = ['/', '/nothing', '/web/style.css', '/large.bin', '/healthz'];
  const text = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');
  const answer = await ask(t, '127.0.0.7', text + getHome);
  assert.deepEqual(
    [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status),
    ['200', '404', '200', '200', '200', '200'],
  );
});

test('N3: /metrics needs a token, unless a program of this machine asks directly', async (t) => {
  const get = (headers: Readonly<Record<string, string>>) =>
    fetch(new URL('metrics', server.url), { headers });
  assert.equal((await get({})).status, 200);
  for (const header of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-Host']) {
    assert.equal((await get({ [header]: '192.0.2.1' })).status, 401, header);
  }
  const rebound = await ask(
    t,
    '127.0.0.1',
    'GET /metrics HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n',
  );
  assert.match(rebound, /^HTTP\/1\.1 401 /);
  const create = async (actions: string): Promise<string> => {
    const args = ['token', 'create', '--site', join(folder, 'site'), '--id', actions, '--actions', actions];
    return (await must(process.execPath, [soilServer, ...args])).trim().split('\n').at(-1) ?? '';
  };
  const bearer = (token: string) => ({ 'X-Forwarded-For': '192.0.2.1', Authorization: `Bearer ${token}` });
  assert.equal((await get(bearer(await create('metrics')))).status, 200);
  assert.equal((await get(bearer(await create('append')))).status, 403);
});

test('N4: many clients that ask whether the server can write cause one write in five seconds', async () => {
  const staging = join(folder, 'site', '.soil', 'staging');
  const before = await must('stat', ['--format', '%z', staging]);
  await Promise.all(Array.from({ length: 30 }, () => fetch(new URL('healthz', server.url))));
  assert.equal(await must('stat', ['--format', '%z', staging]), before, '/healthz writes nothing');
  await fetch(new URL('readyz', server.url));
  const probed = await must('stat', ['--format', '%z', staging]);
  const answers = await Promise.all(Array.from({ length: 30 }, () => fetch(new URL('readyz', server.url))));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(await must('stat', ['--format', '%z', staging]), probed, 'one probe is shared');
});
