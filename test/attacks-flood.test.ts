/** Attacks with a token that is limited to jobs `x-*`: how much it sends must not stop what others do. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test, type TestContext } from 'node:test';
import { must, soilServer } from './command.js';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';
import { formOf, shellJob, tsvOf, type JobBytes } from './upload-form.js';
import { waitUntil } from './wait-for.js';

interface Flooded extends ServedSite {
  readonly site: string;
  /** for all jobs */
  readonly honest: string;
  /** for jobs `x-*` */
  readonly weak: string;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Starts a server with these keys of a project. */
async function serve(keys = ''): Promise<Flooded> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-flood-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const site = join(folder, 'site');
  const honest = await makeSite(site);
  const weak = await createToken(site, 'weak', 'append,event,status', 'x-*');
  const config = join(folder, 'soil-server.yml');
  await writeFile(config, `projects:\n  /: { site: site${keys === '' ? '' : `, ${keys}`} }\n`);
  const server = await serveConfig(config);
  cleanups.push(() => server.stop());
  return { ...server, site, honest, weak };
}

async function createToken(site: string, id: string, actions: string, jobs: string): Promise<string> {
  const args = ['token', 'create', '--site', site, '--id', id, '--actions', actions, '--jobs', jobs];
  return (await must(process.execPath, [soilServer, ...args])).trim().split('\n').at(-1) ?? '';
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

async function send({ url }: Flooded, path: string, token: string, body?: FormData): Promise<Answer> {
  const answer = await fetch(new URL(path, url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
  });
  const retryAfter = answer.headers.get('retry-after');
  return { status: answer.status, text: await answer.text(), retryAfter };
}

const upload = (server: Flooded, made: JobBytes, token: string): Promise<Answer> =>
  send(server, `results?jobName=${made.job}&workerHost=github`, token, formOf(made));

const event = (server: Flooded, fields: Readonly<Record<string, string>>, token: string): Promise<Answer> =>
  send(server, `event?${new URLSearchParams({ workerHost: 'github', ...fields }).toString()}`, token);

/** Makes a job of a run of GitHub. */
const jobOf = (name: string, run: number, more: Readonly<Record<string, unknown>> = {}) =>
  shellJob(
    { 'job-name': name, GITHUB_RUN_NUMBER: String(run), GITHUB_RUN_ID: String(7000 + run), ...more },
    tsvOf([0, 'unit']),
  );

/** Sends a TSV alone, as a shell client that sends its files one by one. */
function sendPart(server: Flooded, job: string, run: number, token: string): Promise<Answer> {
  const form = new FormData();
  form.append('payload-type', 'github-jobs');
  form.append('subdir', String(run));
  form.append('file1', new Blob([tsvOf([0, 'unit'])]), `${job}.tsv`);
  return send(server, 'wwup.cgi', token, form);
}

/** Sends text to the server, and collects its answer. */
function open({ url }: Flooded, t: TestContext, text: string): { socket: Socket; answer: () => string } {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  t.after(() => socket.destroy());
  socket.write(text);
  return { socket, answer: () => answer };
}

/** Returns the head of a POST that declares more bytes than it sends. */
const head = (path: string, token: string, bytes: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${bytes}\r\n\r\n`;

test('F3: lone files of one token do not stop the shell clients of another', async () => {
  const server = await serve('limits: { partial-uploads: 3 }');
  for (const run of [1, 2, 3]) assert.equal((await sendPart(server, 'x-1', run, server.weak)).status, 200);
  const refused = await sendPart(server, 'x-1', 4, server.weak);
  assert.equal(refused.status, 429);
  assert.match(refused.text, /3 jobs of token "weak" are waiting for their JSON/);
  assert.match(refused.retryAfter ?? '', /^\d+$/);
  assert.equal((await sendPart(server, 'x-1', 3, server.weak)).status, 200, 'the same file again');
  assert.equal((await sendPart(server, 'unit', 5, server.honest)).status, 200);
});

test('F3: a lone file of one token is not part of the job of another', async () => {
  const server = await serve();
  assert.equal((await sendPart(server, 'x-1', 1, server.weak)).status, 200);
  const form = new FormData();
  const made = await jobOf('x-1', 1);
  form.append('payload-type', 'github-jobs');
  form.append('subdir', '1');
  form.append('file1', new Blob([new Uint8Array(made.wwz)]), 'x-1.wwz');
  form.append('file2', new Blob([new Uint8Array(Buffer.from(made.json))]), 'x-1.json');
  assert.equal((await send(server, 'wwup.cgi', server.honest, form)).status, 400);
  assert.equal((await send(server, 'wwup.cgi', server.weak, form)).status, 200);
});

test('F3: parts that have expired make room without a restart', async () => {
  const server = await serve('limits: { partial-uploads: 1, partial-time: 1s }');
  assert.equal((await sendPart(server, 'x-1', 1, server.weak)).status, 200);
  await waitUntil(
    'the part expires',
    async () => (await sendPart(server, 'x-1', 2, server.weak)).status === 200,
  );
});

test('F4: a large form of a token that may not upload is refused before it takes room or a slot', async (t) => {
  const server = await serve('quota: { site: 20MB }, limits: { uploads: 2 }');
  const events = await createToken(server.site, 'events', 'event', '*');
  const readers = await createToken(server.site, 'readers', 'metrics', '*');
  for (const token of [events, readers]) {
    const { answer } = open(server, t, head('/wwup.cgi', token, 18_900_000));
    await waitUntil('the request is refused', () => answer() !== '');
    assert.match(answer(), /^HTTP\/1\.1 403 [^]*lacks the action append/);
  }
  const { answer } = open(
    server,
    t,
    head('/results?jobName=unit&workerHost=github', server.weak, 18_900_000),
  );
  await waitUntil('the request is refused', () => answer() !== '');
  assert.match(answer(), /^HTTP\/1\.1 403 /);
  assert.equal((await upload(server, await jobOf('unit', 1), server.honest)).status, 201);
});

test('F4: a form of a shell client with a file of another job is refused before the file is sent', async (t) => {
  const server = await serve();
  const part =
    '--b\r\nContent-Disposition: form-data; name="file1"; filename="unit.tsv"\r\n\r\n' + 'x'.repeat(100);
  const { answer } = open(server, t, head('/wwup.cgi', server.weak, 1_000_000) + part);
  await waitUntil('the request is refused', () => answer() !== '');
  assert.match(answer(), /^HTTP\/1\.1 403 [^]*limited to jobs "x-\*"/);
});

test('F4: uploads of one token in progress take half of the slots', async (t) => {
  const server = await serve('limits: { uploads: 4 }');
  const results = '/results?jobName=x-1&workerHost=github';
  const sockets = [1, 2].map(() => open(server, t, head(results, server.weak, 1000)).socket);
  await waitUntil('two uploads are in progress', async () =>
    /^soil_uploads_under_way\{.*\} 2$/m.test(await (await fetch(new URL('metrics', server.url))).text()),
  );
  const refused = await upload(server, await jobOf('x-1', 1), server.weak);
  assert.equal(refused.status, 429);
  assert.match(refused.text, /another upload of token \\"weak\\" now: 2 are in progress/);
  assert.match(refused.retryAfter ?? '', /^\d+$/);
  assert.equal((await upload(server, await jobOf('unit', 1), server.honest)).status, 201);
  for (const socket of sockets) socket.destroy();
  await waitUntil(
    'a slot is free again',
    async () => (await upload(server, await jobOf('x-1', 1), server.weak)).status === 201,
  );
});

/** Returns the bytes of the site, as the server counts them. */
async function siteBytes({ url }: Flooded): Promise<number> {
  const text = await (await fetch(new URL('metrics', url))).text();
  return Number(/^soil_site_bytes\{.*\} (\d+)$/m.exec(text)?.[1]);
}

/** An event of 40 kB. */
const largeEvent = (run: number): Readonly<Record<string, string>> => ({
  ...{ eventName: 'start', runId: String(run), runNumber: String(run), jobName: 'x-1' },
  expectedJobs: Array.from({ length: 400 }, (_, i) => `x-${'j'.repeat(95)}${i}`).join(','),
});

/** Sends a large event in the body. */
const sendLarge = async ({ url }: Flooded, run: number, token: string): Promise<Answer> => {
  const answer = await fetch(new URL('event?workerHost=github', url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: new URLSearchParams(largeEvent(run)),
  });
  const retryAfter = answer.headers.get('retry-after');
  return { status: answer.status, text: await answer.text(), retryAfter };
};

test('F5: events of one token use up its share of the quota, and nothing of others', async () => {
  const keys = 'quota: { site: 20MB, reserve: 200kB, token: 200kB }';
  const server = await serve(keys);
  const before = await siteBytes(server);
  let answer = await sendLarge(server, 1, server.weak);
  assert.equal(answer.status, 200, answer.text);
  assert.ok((await siteBytes(server)) - before > 40_000, 'the log counts');
  for (let run = 2; run < 12 && answer.status === 200; run++)
    answer = await sendLarge(server, run, server.weak);
  assert.equal(answer.status, 507);
  assert.match(answer.text, /its token \\"weak\\" can use 200\.0 kB of project/);
  assert.equal((await upload(server, await jobOf('unit', 60), server.honest)).status, 201);
  const start = { eventName: 'start', runId: '7061', runNumber: '61', jobName: 'unit' };
  assert.equal((await event(server, start, server.honest)).status, 200);
  const { site } = server;
  await server.stop();
  const config = join(site, '..', 'soil-server.yml');
  const again = { ...(await serveConfig(config)), site, honest: server.honest, weak: server.weak };
  cleanups.push(() => again.stop());
  assert.equal((await sendLarge(again, 20, server.weak)).status, 507, 'also after a restart');
  assert.equal((await upload(again, await jobOf('unit', 62), server.honest)).status, 201);
});

test('F5: uploads of one token use up its share of the quota, and nothing of others', async () => {
  const server = await serve('quota: { site: 4MB, reserve: 200kB }');
  const log = `${tsvOf([0, 'unit'])}${'# '.repeat(100_000)}`;
  const fill = async (run: number): Promise<Answer> =>
    upload(server, { ...(await jobOf('x-1', run)), tsv: log }, server.weak);
  let answer = await fill(1);
  for (let run = 2; run < 12 && answer.status !== 507; run++) answer = await fill(run);
  assert.equal(answer.status, 507);
  assert.match(answer.text, /its token \\"weak\\" can use 1\.0 MB of project/);
  const huge = await upload(
    server,
    { ...(await jobOf('x-1', 20)), tsv: `${log}${'# '.repeat(500_000)}` },
    server.weak,
  );
  assert.equal(huge.status, 413);
  assert.equal(
    (await upload(server, { ...(await jobOf('unit', 60)), tsv: tsvOf([0, 'u']) }, server.honest)).status,
    201,
  );
});

test('F5: a token that can only send events has a share too', async () => {
  const server = await serve('quota: { site: 20MB, reserve: 200kB, token: 100kB }');
  const events = await createToken(server.site, 'events', 'event', '*');
  let answer = await sendLarge(server, 1, events);
  for (let run = 2; run < 12 && answer.status === 200; run++) answer = await sendLarge(server, run, events);
  assert.equal(answer.status, 507);
  assert.equal((await upload(server, await jobOf('unit', 60), server.honest)).status, 201);
});

test('F5: a token that sends more events than its rate gets 429, and others do not', async () => {
  const server = await serve('limits: { token-rate: 1, token-burst: 3 }');
  const start = { eventName: 'start', runId: '7061', runNumber: '61', jobName: 'x-1' };
  const answers = await Promise.all(Array.from({ length: 12 }, () => event(server, start, server.weak)));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0 && refused.length <= 9, String(refused.length));
  assert.match(refused[0]?.text ?? '', /cannot accept so many requests of token \\"weak\\"/);
  assert.match(refused[0]?.retryAfter ?? '', /^\d+$/);
  assert.equal((await event(server, { ...start, jobName: 'unit' }, server.honest)).status, 200);
  assert.equal((await upload(server, await jobOf('unit', 60), server.honest)).status, 201);
});
