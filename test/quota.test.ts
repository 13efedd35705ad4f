import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';
import { commit, formOf, shellJob, type JobBytes } from './upload-form.js';

let folder: string;
let server: ServedSite;
let token: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-quota-'));
  token = await makeSite(join(folder, 'small'));
  await makeSite(join(folder, 'large'));
  await writeFile(
    join(folder, 'soil-server.yml'),
    `projects:
  /small: { site: small, quota: { site: 1MB, reserve: 200kB } }
  /large: { site: large }
`,
  );
  server = await serveConfig(join(folder, 'soil-server.yml'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ask(path: string, init: RequestInit): Promise<{ status: number; error: string }> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(new URL(`small/${path}`, server.url), { headers, ...init });
  const { error = '' } = (await response.json()) as { readonly error?: string };
  return { status: response.status, error };
}

const publish = (name: string, body: Buffer | ReadableStream): Promise<{ status: number; error: string }> =>
  ask(`artifacts/github/${commit}/${name}`, {
    ...{ method: 'PUT', body: body instanceof Buffer ? new Uint8Array(body) : body },
    ...(!(body instanceof Buffer) && { duplex: 'half' }),
  });

const upload = (job: JobBytes): Promise<{ status: number; error: string }> =>
  ask('results?jobName=dev-minimal&workerHost=github', { method: 'POST', body: formOf(job) });

async function siteBytes(): Promise<number> {
  const metrics = await (await fetch(new URL('small/metrics', server.url))).text();
  return Number(/^soil_site_bytes\{[^}]*\} (\d+)$/m.exec(metrics)?.[1]);
}

test('an upload above the quota gets 413 if it can never fit, 507 if it does not fit now, with the sizes', async () => {
  const never = await publish('never', Buffer.alloc(900_000));
  assert.equal(never.status, 413);
  assert.match(
    never.error,
    /900\.0 kB for project "\/small": it can never fit; its quota is 1\.0 MB, of which 200\.0 kB/,
  );
  const before = await siteBytes();
  assert.equal((await publish('first', Buffer.alloc(500_000, 1))).status, 201);
  // The page of the commit and a line of the log count too.
  const grown = (await siteBytes()) - before;
  assert.ok(grown > 500_000 && grown < 510_000, String(grown));
  const second = await publish('second', Buffer.alloc(500_000, 2));
  assert.equal(second.status, 507);
  assert.match(
    second.error,
    /cannot store 500\.0 kB in project "\/small": it already uses 5\d\d\.\d kB; its quota is 1\.0 MB/,
  );
  // The same bytes again need no space.
  assert.equal((await publish('first', Buffer.alloc(500_000, 1))).status, 507);
});

test('a body without a declared size is stopped at the quota', async () => {
  let sent = 0;
  const endless = new ReadableStream({
    pull: (controller) => {
      sent += 10_000;
      if (sent > 600_000) controller.close();
      else controller.enqueue(new Uint8Array(10_000));
    },
  });
  const before = await siteBytes();
  assert.equal((await publish('chunked', endless)).status, 507);
  assert.equal(await siteBytes(), before);
  assert.deepEqual(await readdir(join(folder, 'small', '.soil', 'staging')), []);
});

test('simultaneous uploads do not exceed the quota together', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => publish(`many-${i}`, Buffer.alloc(90_000, i))),
  );
  const stored = answers.filter(({ status }) => status === 201).length;
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201, 507]));
  assert.ok(stored >= 1 && stored <= 3, String(stored));
});

test('a full project still accepts events and statuses, and a small job while it fits', async () => {
  const job = await shellJob();
  const sent = await upload(job);
  assert.equal(sent.status, 201, sent.error);
  while ((await publish(`fill-${await siteBytes()}`, Buffer.alloc(20_000))).status === 201);
  const full = await upload({ ...(await shellJob({ GITHUB_RUN_ID: '2' })), wwz: Buffer.alloc(20_000) });
  assert.equal(full.status, 507);
  const done = {
    ...{ eventName: 'done', workerHost: 'github', runId: '98765', jobName: 'dev-minimal' },
    ...{ updateStatusApi: '1', status: '0' },
  };
  const response = await ask(`event?${new URLSearchParams(done).toString()}`, { method: 'POST' });
  assert.equal(response.status, 200, response.error);
  const line = await fetch(new URL('small/status-api/github/98765/dev-minimal', server.url));
  assert.match(await line.text(), /^0 /);
});

test('other projects are not affected, and a start counts existing files', async () => {
  const metrics = await (await fetch(new URL('metrics', server.url))).text();
  assert.match(metrics, /^soil_quota_bytes\{project="\/small"\} 1000000$/m);
  assert.doesNotMatch(metrics, /soil_(quota|site)_bytes\{project="\/large"/);
  const before = await siteBytes();
  await server.stop();
  server = await serveConfig(join(folder, 'soil-server.yml'));
  // The count includes pages, log and snapshot.
  assert.ok((await siteBytes()) > before);
  assert.equal((await publish('more', Buffer.alloc(300_000))).status, 507);
});
