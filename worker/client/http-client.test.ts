import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { describeAnswer, planRetryPause, send, sendWithRetries, type HttpAnswer } from './http-client.js';
import { parseServerUrl } from './server-url.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(t: TestContext, server: Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

/** Starts a server with the handler of a test. */
const serve = (t: TestContext, handler: Handler): Promise<URL> => {
  const server = createServer(handler);
  t.after(() => {
    server.closeAllConnections();
  });
  return listen(t, server);
};

const limits = { idleSeconds: 20, totalSeconds: 20, maxAnswerBytes: 1000, headers: {} } as const;
const textOf = (answer: HttpAnswer): string => (answer.kind === 'answer' ? answer.text : answer.reason);

test('send() sends a body as a stream and reads the answer', async (t) => {
  const url = await serve(t, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.writeHead(201).end(Buffer.concat(chunks)));
  });
  const body = {
    headers: { 'content-length': '6' },
    open: () => Readable.from([Buffer.from('abc'), Buffer.from('def')]),
  };
  assert.deepEqual(await send({ ...limits, method: 'POST', url, body }), {
    kind: 'answer',
    status: 201,
    text: 'abcdef',
  });
});

test('send() returns the reason of a server that refuses a body without reading it', async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(401, { connection: 'close' }).end('{"error":"token missing"}');
  });
  let opened = 0;
  const bytes = 64 * 1024 * 1024;
  const open = (): Readable => {
    opened++;
    return Readable.from([Buffer.alloc(bytes)]);
  };
  const body = { headers: { 'content-length': String(bytes) }, open };
  const answer = await send({ ...limits, method: 'POST', url, body });
  assert.equal(describeAnswer(answer), 'status 401: token missing');
  assert.equal(opened, 0, 'the body was not opened');
});

test('send() sends the body to a server that ignores Expect', async (t) => {
  const server = createNetServer((socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.endsWith('the body')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const url = await listen(t, server);
  const body = { headers: { 'content-length': '8' }, open: () => Readable.from([Buffer.from('the body')]) };
  assert.equal(textOf(await send({ ...limits, method: 'POST', url, body })), 'ok');
});

test('send() does not follow redirects', async (t) => {
  let requests = 0;
  const url = await serve(t, (_, response) => {
    requests++;
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  const answer = await send({ ...limits, method: 'GET', url, headers: { authorization: 'Bearer x' } });
  assert.equal(describeAnswer(answer), 'status 302: redirects are not followed');
  assert.equal(requests, 1);
});

test('send() reports a server that does not speak TLS', async (t) => {
  const url = await serve(t, (_, response) => response.end());
  const answer = await send({ ...limits, method: 'GET', url: new URL(`https://${url.host}/`) });
  assert.deepEqual(answer, {
    kind: 'failure',
    reason: 'it does not speak TLS: should its URL start with http:// instead of https://?',
  });
});

test('send() respects its time limits', async (t) => {
  const url = await serve(t, () => undefined);
  const total = await send({ ...limits, method: 'GET', url, totalSeconds: 0.05 });
  assert.equal(textOf(total), 'no complete answer within 0.05 s');
  const idle = await send({ ...limits, method: 'GET', url, idleSeconds: 0.05 });
  assert.equal(textOf(idle), 'no data in either direction for 0.05 s');
});

test('send() rejects an endless answer, a truncated one and a refused connection', async (t) => {
  const endless = await serve(t, (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(1000)));
    };
    response.on('drain', more);
    more();
  });
  assert.equal(
    textOf(await send({ ...limits, method: 'GET', url: endless })),
    'the answer is longer than 1000 bytes',
  );
  const truncating = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy());
  });
  assert.equal((await send({ ...limits, method: 'GET', url: truncating })).kind, 'failure');
  const closing = createNetServer();
  const closed = await new Promise<URL>((resolve) => {
    closing.listen(0, '127.0.0.1', () => {
      const { port } = closing.address() as AddressInfo;
      closing.close(() => {
        resolve(new URL(`http://127.0.0.1:${port}/`));
      });
    });
  });
  assert.match(textOf(await send({ ...limits, method: 'GET', url: closed })), /ECONNREFUSED/);
});

test('send() returns a failure when it is cancelled', async (t) => {
  const url = await serve(t, () => {
    stop.abort();
  });
  const stop = new AbortController();
  const end = await send({ ...limits, method: 'GET', url, cancel: stop.signal });
  assert.deepEqual(end, { kind: 'failure', reason: 'cancelled' });
});

/** Returns the last answer, and how many of `answers` were requested. */
async function tryAll(answers: readonly HttpAnswer[], tries = 5): Promise<readonly [HttpAnswer, number]> {
  let n = 0;
  const policy = { tries, baseSeconds: 0.001, maxSeconds: 0.002, random: () => 0.5, notice: () => undefined };
  const last = await sendWithRetries(() => {
    const answer = answers[n++];
    return answer === undefined ? Promise.reject(new Error('too many requests')) : Promise.resolve(answer);
  }, policy);
  return [last, n];
}

const answer = (status: number): HttpAnswer => ({ kind: 'answer', status, text: '' });
const failure: HttpAnswer = { kind: 'failure', reason: 'x' };

test('sendWithRetries() retries only after no answer, 429 and 5xx', async () => {
  assert.deepEqual(await tryAll([failure, answer(429), answer(503), answer(201)]), [answer(201), 4]);
  for (const status of [200, 400, 401, 403, 404, 409, 413, 302]) {
    assert.deepEqual(await tryAll([answer(status)]), [answer(status), 1], String(status));
  }
  assert.deepEqual(await tryAll([failure, failure, failure], 3), [failure, 3]);
});

test('planRetryPause() doubles the pause, spreads it, and obeys Retry-After up to the limit', () => {
  const policy = { baseSeconds: 1, maxSeconds: 60 };
  assert.equal(planRetryPause(failure, 1, { ...policy, random: () => 0.5 }), 1);
  assert.equal(planRetryPause(failure, 3, { ...policy, random: () => 0.5 }), 4);
  assert.equal(
    planRetryPause({ ...answer(429), retryAfter: '7' } as HttpAnswer, 1, { ...policy, random: () => 0 }),
    7,
  );
  assert.equal(
    planRetryPause({ ...answer(429), retryAfter: '99999' } as HttpAnswer, 1, { ...policy, random: () => 0 }),
    60,
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, random) => {
      const pause = planRetryPause(failure, n, { ...policy, random: () => random });
      assert.ok(pause > 0 && pause <= 60);
    }),
  );
});

test('describeAnswer() includes the message of the server, but no HTML', () => {
  const describe = (text: string): string => describeAnswer({ kind: 'answer', status: 422, text });
  assert.equal(describe('{"error":"cannot accept x"}'), 'status 422: cannot accept x');
  assert.equal(describe('{"message":"Not Found"}'), 'status 422: Not Found');
  assert.equal(describe('plain words\nmore'), 'status 422: plain words');
  assert.equal(describe('<html>'), 'status 422');
  assert.equal(describe('null'), 'status 422: null');
});

const urls: readonly (readonly [string, string | RegExp])[] = [
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/'],
  ['https://ci.example/soil', 'https://ci.example/soil/'],
  ['ci.example', /it is not a URL/],
  ['ftp://ci.example/', /must start with http/],
  ['https://ci.example/?x=1', /query/],
  ['', /it is not a URL/],
];
for (const [text, expected] of urls) {
  test(`parseServerUrl() ${typeof expected === 'string' ? 'accepts' : 'rejects'} "${text}"`, () => {
    const url = parseServerUrl(text);
    if (typeof expected === 'string') assert.equal(url.ok && url.value.href, expected);
    else assert.match(url.ok ? 'accepted' : url.error, expected);
  });
}

test('parseServerUrl() rejects a credential without printing it', () => {
  const url = parseServerUrl('https://soil:hunter22@ci.example/');
  assert.match(url.ok ? 'accepted' : url.error, /contains a credential/);
  assert.doesNotMatch(url.ok ? '' : url.error, /hunter22/);
});
