import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { parseRecord } from '../model/record-reader.js';
import type { JobRecord } from '../model/record.js';
import { valueOf } from '../model/result.js';
import { worker, type CommandEnd } from './command.js';
import { makeRepo } from './git-repo.js';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';

/** Random bytes, which do not compress. */
const random = (kib: number, file: string): string => `head -c ${kib}k /dev/urandom >${file}`;

describe('results that a server does not accept', () => {
  let folder: string;
  const cleanups: (() => Promise<unknown>)[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soil-limits-'));
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  interface Served {
    readonly url: string;
    readonly env: Record<string, string | undefined>;
  }
  let sites = 0;
  /** Starts a server with these limits. */
  async function serve(limits: string): Promise<Served> {
    const site = `site${(sites += 1)}`;
    const token = await makeSite(join(folder, site));
    const config = join(folder, `${site}.yml`);
    await writeFile(config, `limits: ${limits}\nprojects: { /p: { site: ${site} } }\n`);
    const server: ServedSite = await serveConfig(config);
    cleanups.push(() => server.stop());
    const url = `${server.url}p/`;
    return { url, env: { GITHUB_ACTIONS: undefined, SOIL_SERVER: url, SOIL_TOKEN: token, SOIL_RUN: 'r' } };
  }

  interface Published {
    readonly end: CommandEnd;
    readonly repo: string;
    /** of the published copy */
    readonly record: JobRecord;
    readonly get: (path: string) => Promise<Response>;
    readonly text: (path: string) => Promise<string>;
  }
  /** Runs and publishes a job of one task. */
  async function publish({ url, env }: Served, run: string, more = 'results: out'): Promise<Published> {
    const task = `{name: t, run: ${JSON.stringify(`mkdir out; ${run}`)}, ${more}}`;
    const repo = await makeRepo({
      'soil.yml': `project: p\njobs:\n  job: {image: none, tasks: [${task}]}\n`,
    });
    cleanups.push(() => rm(repo, { recursive: true, force: true }));
    // The largest wwz takes minutes on a busy machine.
    const end = await worker(['run', 'job', '--publish'], { cwd: repo, env, timeoutSeconds: 600 });
    const get = (path: string): Promise<Response> => fetch(new URL(`local-jobs/r/${path}`, url));
    const text = async (path: string): Promise<string> => (await get(path)).text();
    assert.equal((await get('job.json')).status, 200, end.stdout + end.stderr);
    return { end, repo, record: valueOf(parseRecord(await text('job.json'))), get, text };
  }

  it('are left out one by one, and the rest is published with a line for each', async () => {
    const server = await serve('{ wwz-entry: 100KiB }');
    const { end, repo, record, get, text } = await publish(
      server,
      `${random(300, 'out/big.bin')}; echo small >out/small.txt`,
    );
    assert.equal(end.status, 0, end.stdout + end.stderr);
    const sentence = 'the server accepts at most 102.4 kB in one file of a wwz';
    assert.ok(end.stderr.includes(`notice: left out "out/big.bin" (307.2 kB): ${sentence}\n`), end.stderr);
    assert.deepEqual(record.leftOut, [{ file: 'out/big.bin', bytes: 307_200, limit: sentence }]);
    assert.equal(record.outcome, 'passed');
    assert.equal(await text('job.wwz/out/small.txt'), 'small\n');
    assert.equal((await get('job.wwz/out/big.bin')).status, 404);
    const index = await text('job.wwz/');
    assert.ok(index.includes(`left out &quot;out/big.bin&quot; (307.2 kB): ${sentence}`), index);
    const status = await (await fetch(new URL('status-api/local/r/job', server.url))).text();
    assert.match(status, /^0 .* outcome=passed /);
    // The job's own files have everything, and the same upload again is the same.
    const local = valueOf(parseRecord(await readFile(join(repo, '_soil/job/job.json'), 'utf8')));
    assert.equal(local.leftOut, undefined);
    const again = await worker(['publish', 'job'], { cwd: repo, env: server.env });
    assert.equal(again.status, 0, again.stderr);
  });

  it('are left out with the link of their row', async () => {
    const server = await serve('{ wwz-entry: 100KiB }');
    const { end, text } = await publish(
      server,
      random(300, 'out/page.html'),
      'results: out/page.html, result-html: out/page.html',
    );
    assert.equal(end.status, 0, end.stderr);
    assert.doesNotMatch(await text('job.tsv'), /\tout\/page\.html\t/);
    assert.doesNotMatch(await text('job.wwz/'), /href="out\/page\.html"/);
  });

  it('are left out from the end if there are too many', async () => {
    const server = await serve('{ wwz-entries: 50 }');
    const { end, record, get } = await publish(
      server,
      'for i in $(seq 100 299); do echo $i >out/$i.txt; done',
    );
    assert.equal(end.status, 0, end.stdout + end.stderr);
    const [item, ...others] = record.leftOut ?? [];
    assert.deepEqual(others, []);
    const { file = '', more = 0, limit } = item ?? {};
    assert.equal(limit, 'the server accepts at most 50 files in a wwz');
    const first = Number(/\d+/.exec(file)?.[0]);
    assert.equal(first + more, 299, 'the last files are left out');
    assert.equal((await get(`job.wwz/out/${first - 1}.txt`)).status, 200);
    assert.equal((await get(`job.wwz/out/${first}.txt`)).status, 404);
    assert.match(end.stderr, new RegExp(`notice: left out "out/${first}\\.txt" and ${more} more files`));
  });

  it('are left out from the largest if the wwz, the body or all files together are too large', async () => {
    for (const limits of ['{ wwz: 250KiB }', '{ body: 250KiB }', '{ wwz-total: 250KiB }']) {
      const server = await serve(limits);
      const run = ['90 a', '120 b', '60 c'].map((part) => {
        const [kib, name] = part.split(' ');
        return random(Number(kib), `out/${name}`);
      });
      const { end, record, get } = await publish(server, run.join('; '));
      assert.equal(end.status, 0, limits + end.stdout + end.stderr);
      assert.deepEqual(
        record.leftOut?.map(({ file }) => file),
        ['out/b'],
        limits,
      );
      assert.equal((await get('job.wwz/out/a')).status, 200);
    }
  });

  it('are stored without compression if they inflate too far', async () => {
    const server = await serve('{ wwz-ratio: 20 }');
    const { end, record, text } = await publish(
      server,
      'head -c 200k /dev/zero >out/zero; yes | head -n 50000',
    );
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(record.leftOut, undefined);
    assert.equal((await text('job.wwz/out/zero')).length, 204_800);
    assert.match(await text('job.wwz/_soil/logs/t.txt'), /^(y\n){50000}/);
  });

  it('are logs that are cut, never the outcome', async () => {
    for (const limits of ['{ wwz-entry: 60KiB }', '{ wwz: 100KiB }', '{ wwz-total: 150KiB }']) {
      const server = await serve(limits);
      const { end, record, text } = await publish(
        server,
        'echo THE START; head -c 300k /dev/urandom | base64; echo THE END; exit 3',
        'results: []',
      );
      assert.equal(end.status, 3, limits + end.stdout + end.stderr);
      assert.deepEqual([record.outcome, record.status], ['failed', 3]);
      const log = await text('job.wwz/_soil/logs/t.txt');
      assert.match(log, /^THE START\n/, limits);
      assert.match(
        log,
        /\n\[soil: \d+ bytes are left out here: the server accepts at most \d+ bytes of this log\]\n/,
      );
      assert.match(log, /\nTHE END\n/);
      assert.ok(log.length > 10_000, `${limits}: much of the log is kept, but ${log.length}`);
      const part = record.leftOut?.find(({ file }) => file === '_soil/logs/t.txt');
      assert.equal(part?.isPart, true);
      assert.match(
        end.stderr,
        /notice: left out .*B in the middle of "_soil\/logs\/t\.txt": the server accepts/,
      );
      const status = await (await fetch(new URL('status-api/local/r/job', server.url))).text();
      assert.match(status, /^3 .* outcome=failed /);
    }
  });

  it('are commands that are cut in the record and its rows', async () => {
    const server = await serve('{ json: 4KiB, tsv: 1KiB }');
    const { end, record } = await publish(server, `: ${'x'.repeat(9000)}`, 'results: []');
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.match(record.tasks[0]?.run ?? '', /^mkdir out; : x+…$/);
  });

  it('say what a missing or wrong token needs, as before', async () => {
    const { env } = await serve('{ wwz-entry: 60KiB }');
    const repo = await makeRepo({
      'soil.yml': 'project: p\njobs:\n  job: {image: none, tasks: [{name: t, run: ls}]}\n',
    });
    cleanups.push(() => rm(repo, { recursive: true, force: true }));
    const end = await worker(['run', 'job', '--publish'], {
      cwd: repo,
      env: { ...env, SOIL_TOKEN: undefined },
    });
    assert.equal(end.status, 1);
    assert.match(
      end.stderr,
      /cannot publish job "job" to .*: status 401: .*\. Set SOIL_TOKEN, or pass --token-file/,
    );
  });

  it('of an older server, which has no /limits, are left out after it refused them by name', async () => {
    for (const limits of [
      '{ wwz-entry: 100KiB }',
      '{ wwz: 250KiB }',
      '{ body: 250KiB }',
      '{ wwz-entries: 30 }',
    ]) {
      const server = await serve(limits);
      const old = await startOldServer(server.url);
      cleanups.push(old.close);
      const { end, record, text } = await publish(
        { ...server, env: { ...server.env, SOIL_SERVER: old.url } },
        `echo small >out/a.txt; ${random(300, 'out/big.bin')}; for i in $(seq 40); do echo $i >out/z$i; done`,
      );
      assert.equal(end.status, 0, limits + end.stdout + end.stderr);
      assert.equal(old.uploads(), 2, limits);
      assert.match(
        end.stderr,
        /notice: the server refused the results: status 4\d\d: .*; uploading the rest/,
      );
      assert.ok((record.leftOut ?? []).length > 0, limits);
      assert.equal(await text('job.wwz/out/a.txt'), 'small\n', limits);
    }
  });

  it('of an older server are published as they are if it accepts them', async () => {
    const server = await serve('{ wwz-entry: 1MiB }');
    const old = await startOldServer(server.url);
    cleanups.push(old.close);
    const { end, record } = await publish(
      { ...server, env: { ...server.env, SOIL_SERVER: old.url } },
      'echo small >out/a.txt',
    );
    assert.equal(end.status, 0, end.stderr);
    assert.equal(old.uploads(), 1);
    assert.equal(record.leftOut, undefined);
  });

  it('are the tail of 66,000 files, which no wwz can hold', async () => {
    const server = await serve('{ wwz-entry: 1MiB }');
    const { end, repo, record, get } = await publish(
      server,
      "seq 100000 165999 | sed 's|.*|out/&.txt|' | xargs touch",
    );
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(record.outcome, 'passed');
    const [item] = record.leftOut ?? [];
    const first = Number(/\d+/.exec(item?.file ?? '')?.[0]);
    assert.equal(first + (item?.more ?? 0), 165_999);
    assert.ok(first > 165_000, String(first));
    assert.match(item?.limit ?? '', /^Soil accepts at most 65\d{3} files in a wwz$/);
    assert.equal((await get('job.wwz/out/165000.txt')).status, 200);
    const local = valueOf(parseRecord(await readFile(join(repo, '_soil/job/job.json'), 'utf8')));
    assert.deepEqual(local.leftOut, record.leftOut);
  });
});

interface OldServer {
  readonly url: string;
  /** requests to /results */
  readonly uploads: () => number;
  readonly close: () => Promise<void>;
}

/** Starts a proxy in front of a server that answers 404 to `GET /limits`, as a server without that route does. */
async function startOldServer(target: string): Promise<OldServer> {
  let uploads = 0;
  const proxy: Server = createServer((incoming, response) => {
    if (incoming.url?.includes('/limits') === true) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('cannot find "limits"\n');
      return;
    }
    if (incoming.url?.includes('/results') === true) uploads += 1;
    let isAnswered = false;
    const headers = { ...incoming.headers };
    delete headers.host;
    delete headers.expect;
    const forward = request(
      new URL(incoming.url ?? '/', target),
      { method: incoming.method ?? 'GET', headers },
      (answer) => {
        isAnswered = true;
        incoming.unpipe(forward);
        incoming.resume();
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    // The server closes the connection of a request that it has refused.
    forward.on('error', () => {
      if (!isAnswered) response.destroy();
    });
    incoming.pipe(forward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${new URL(target).pathname}`,
    uploads: () => uploads,
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => {
          resolve();
        });
        proxy.closeAllConnections();
      }),
  };
}
