import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from './soil-server.js';

test('each request is logged and counted once, also just before SIGTERM', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const paths = ['', 'index.html', 'web/style.css', 'nothing.html', '.soil/tokens.json'];
  const requests = new Map<string, string>();
  for (let round = 0; round < 40; round++) {
    // The first rounds are served from files, later ones from memory.
    const replies = await Promise.all(
      paths.map(async (path) => {
        const reply = await fetch(new URL(path, server.url), { method: round % 4 === 0 ? 'HEAD' : 'GET' });
        await reply.arrayBuffer();
        return { path, reply };
      }),
    );
    for (const { path, reply } of replies) {
      requests.set(reply.headers.get('X-Request-Id') ?? '', `/${path} ${reply.status}`);
    }
  }
  assert.equal(requests.size, 40 * paths.length, 'each id is unique');
  const metrics = await (await fetch(new URL('metrics', server.url))).text();
  assert.match(metrics, /^soil_requests_total\{project="\/",route="site",status="200"\} 120$/m);
  assert.match(metrics, /^soil_requests_total\{project="\/",route="site",status="404"\} 80$/m);
  const last = await fetch(server.url);
  requests.set(last.headers.get('X-Request-Id') ?? '', '/ 200');
  await last.arrayBuffer();
  await server.stop();
  const lines = server
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string | number>)
    .filter(({ path }) => path !== '/metrics');
  assert.deepEqual(new Map(lines.map(({ id, path, status }) => [String(id), `${path} ${status}`])), requests);
  assert.equal(lines.length, requests.size);
});
