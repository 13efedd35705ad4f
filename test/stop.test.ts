import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveSite, startServer } from './soil-server.js';
import { formOf, shellJob } from './upload-form.js';

test('an upload during SIGTERM gets 201 and is shown, and the next server starts immediately', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const form = new Response(formOf(await shellJob()));
  const body = Buffer.from(await form.arrayBuffer());
  const sending = request(new URL('results?jobName=dev-minimal&workerHost=github', server.url), {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${server.token}`,
      'Content-Type': form.headers.get('Content-Type') ?? '',
      'Content-Length': body.length,
    },
  });
  const answered = once(sending, 'response');
  sending.write(body.subarray(0, body.length / 2));
  // The upload has begun once its folder exists.
  while ((await readdir(join(server.site, '.soil', 'staging'))).length === 0) await fetch(server.url);
  const ended = server.stop();
  // Once it accepts no new connection, it has received the signal.
  while (
    await fetch(server.url, { headers: { Connection: 'close' } }).then(
      () => true,
      () => false,
    )
  );
  sending.end(body.subarray(body.length / 2));
  const [response] = (await answered) as [{ statusCode: number; headers: Record<string, string> }];
  assert.equal(response.statusCode, 201);
  assert.equal(response.headers.connection, 'close');
  await ended;
  const next = await serveSite(server.site);
  const page = await fetch(new URL('github-jobs/1234/', next.url));
  assert.match(await page.text(), />dev-minimal</);
  await next.stop();
});
