/** Rules of HTTP that clients rely on: request targets, conditions, digests, and forms with parts that no parser reads. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startServer, type RunningServer } from './soil-server.js';
import { commit, formOf, shellJob } from './upload-form.js';

let server: RunningServer;
before(async () => {
  server = await startServer();
});
after(() => server.close());

/** Sends bytes as they are and returns the whole answer. */
function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(answer);
    });
    socket.write(text);
  });
}

const get = (target: string, headers = ''): Promise<string> =>
  raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`);

test('a target that is a whole URL is served as its path, whatever its host', async () => {
  assert.match(await get('http://any.example/index.html?x=1'), /^HTTP\/1\.1 200 /);
  assert.match(await get('http://any.example'), /^HTTP\/1\.1 200 /);
  assert.match(await get('HTTPS://any.example/healthz'), /^HTTP\/1\.1 200 .*\r\n\r\nok\n$/s);
  assert.match(await get('http://any.example/nothing'), /^HTTP\/1\.1 404 /);
});

test('an empty name in a path is no file, and no redirect leads to another host', async () => {
  for (const path of ['//', '//web', '//web/', '//any.example/web', '/web//style.css', '/github-jobs//']) {
    const answer = await get(path);
    assert.match(answer, /^HTTP\/1\.1 404 .*a name in the path is empty\n$/s, path);
    assert.doesNotMatch(answer, /^Location:/im, path);
  }
});

test('If-Match and If-Unmodified-Since get 412 if the page is another one', async () => {
  const first = await fetch(server.url);
  const tag = first.headers.get('ETag') ?? '';
  const modified = first.headers.get('Last-Modified') ?? '';
  await first.arrayBuffer();
  const status = async (headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> => {
    const answer = await fetch(server.url, { method, headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  // Each twice: the second answer comes from memory.
  for (let i = 0; i < 2; i++) {
    assert.equal(await status({ 'If-Match': '"other"' }), 412);
    assert.equal(await status({ 'If-Match': `W/${tag}` }), 412, 'a weak tag never matches strongly');
    assert.equal(await status({ 'If-Match': '"other"' }, 'HEAD'), 412);
    assert.equal(await status({ 'If-Match': `"other", ${tag}` }), 200);
    assert.equal(await status({ 'If-Match': '*' }), 200);
    assert.equal(await status({ 'If-Match': '"other"', 'If-None-Match': tag }), 412, 'If-Match is first');
    assert.equal(await status({ 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:01 GMT' }), 412);
    assert.equal(await status({ 'If-Unmodified-Since': modified }), 200);
    assert.equal(await status({ 'If-Unmodified-Since': 'yesterday' }), 200, 'not a date');
    assert.equal(await status({ 'If-Modified-Since': modified }), 304);
    assert.equal(await status({ 'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:01 GMT' }), 200);
    assert.equal(
      await status({ 'If-Modified-Since': modified, 'If-None-Match': '"other"' }),
      200,
      'a tag decides',
    );
  }
  assert.equal(new Date(modified).getTime() <= Date.now(), true);
});

const put = (name: string, headers: Readonly<Record<string, string>>, body: Buffer = bytes) =>
  fetch(new URL(`artifacts/local/${commit}/${name}`, server.url), {
    method: 'PUT',
    headers: { Authorization: `Bearer ${server.token}`, ...headers },
    body,
  });
const bytes = randomBytes(1000);
const digest = (algorithm: string, of: Buffer): string =>
  `${algorithm === 'sha256' ? 'sha-256' : algorithm}=:${createHash(algorithm).update(of).digest('base64')}:`;

test('PUT /artifacts refuses a part of a file, an encoded file, and one whose digest is another', async () => {
  for (const [status, headers, reason] of [
    [400, { 'Content-Range': 'bytes 0-999/5000' }, /cannot accept Content-Range .*bytes 0-999\/5000/],
    [415, { 'Content-Encoding': 'gzip' }, /cannot accept Content-Encoding .*gzip/],
    [415, { 'Content-Encoding': 'br, gzip' }, /cannot accept Content-Encoding/],
    [400, { 'Content-Digest': digest('sha256', Buffer.from('other')) }, /Content-Digest has /],
    [400, { 'Repr-Digest': digest('sha256', Buffer.from('other')) }, /Repr-Digest has /],
    [400, { 'Content-Digest': digest('md5', bytes) }, /cannot verify Content-Digest/],
    [400, { 'Content-MD5': bytes.toString('base64').slice(0, 24) }, /cannot verify the digest/],
    [400, { Digest: `SHA-256=${bytes.toString('base64').slice(0, 44)}` }, /cannot verify the digest/],
  ] as const) {
    const answer = await put('file', headers);
    assert.equal(answer.status, status, JSON.stringify(headers));
    assert.match(await answer.text(), reason);
    assert.equal((await fetch(new URL(`local-jobs/commits/${commit}/file`, server.url))).status, 404);
  }
  const encoded = await put('file', {
    'Content-Encoding': 'identity',
    'Content-Digest': digest('sha256', bytes),
  });
  assert.equal(encoded.status, 201);
});

test('POST /results and POST /event refuse a part of a body, an encoded body, and a wrong digest', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '77', GITHUB_RUN_ID: '770' });
  for (const [status, headers] of [
    [400, { 'Content-Range': 'bytes 0-9/10' }],
    [415, { 'Content-Encoding': 'gzip' }],
    [400, { 'Content-Digest': digest('sha256', Buffer.from('other')) }],
  ] as const) {
    const init = { method: 'POST', headers: { Authorization: `Bearer ${server.token}`, ...headers } };
    const results = new URL('results?jobName=dev-minimal&workerHost=github', server.url);
    assert.equal((await fetch(results, { ...init, body: formOf(job) })).status, status);
    const event = new URL('event', server.url);
    const start = new URLSearchParams({
      ...{ eventName: 'start', workerHost: 'github', runId: '771', jobName: 'dev-minimal' },
    });
    assert.equal((await fetch(event, { ...init, body: start })).status, status);
  }
  assert.equal((await fetch(new URL('github-jobs/77/', server.url))).status, 404);
});

/** Uploads a job whose form has one more part, with these headers. */
async function uploadWith(
  part: string,
  run: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const job = await shellJob({ GITHUB_RUN_NUMBER: run, GITHUB_RUN_ID: `${run}0` });
  const form = new Response(formOf(job));
  const type = form.headers.get('Content-Type') ?? '';
  const boundary = /boundary=(.*)/.exec(type)?.[1] ?? '';
  const whole = Buffer.from(await form.arrayBuffer());
  const first = Buffer.from(`--${boundary}\r\n${part}\r\n\r\nlost\r\n`);
  const answer = await fetch(new URL('results?jobName=dev-minimal&workerHost=github', server.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': type },
    body: Buffer.concat([first, whole]),
  });
  return { status: answer.status, text: await answer.text() };
}

test('a form part that the parser would pass over is refused by its name', async () => {
  let run = 300;
  for (const part of [
    'Content-Disposition: attachment; name="extra"; filename="a"',
    'Content-Disposition: form-data; name="extra"; filename*=UTF-9\'\'a',
    'Content-Disposition: form-data; name="extra"; filename*=UTF-8\'\'%ZZ',
    'Content-Disposition: form-data; name="extra; filename=a',
    'Content-Disposition: form-data name="extra"',
    'Content-Disposition: ',
    'Content-Type: text/plain',
    'Content-Disposition: form-data; name="note"\r\nContent-Transfer-Encoding: base64',
    'Content-Disposition: form-data; name="note"\r\nContent-Disposition: form-data; name="json"',
    'X-Other: 1\r\nContent-Type: application/octet-stream',
  ]) {
    const { status, text } = await uploadWith(part, String(++run));
    assert.equal(status, 400, `${part}: ${text}`);
    assert.match(text, /part .* is not understood|form:/, part);
    assert.equal((await fetch(new URL(`github-jobs/${run}/`, server.url))).status, 404, part);
  }
  const { status, text } = await uploadWith('Content-Disposition: form-data; name="note"', '350');
  assert.equal(status, 201, text);
});
