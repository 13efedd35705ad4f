import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseEvent } from '../model/event.js';
import { parseUploadLimits } from '../model/upload-limits.js';
import { valueOf } from '../model/result.js';
import { routes } from '../server/api/routes.js';
import { writeWwz } from '../wwz/write.js';
import { must, soilServer } from './command.js';
import { CheckedClient, readOpenApi } from './openapi.js';
import { makeSite, serveConfig, waitForPages, type ServedSite } from './soil-server.js';
import { commit, formOf, shellJob, type JobBytes } from './upload-form.js';

const api = readOpenApi();
const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

describe('docs/openapi.yaml', () => {
  it('has every route of the server, and no other', () => {
    const described = operations
      .filter(({ path }) => !path.includes('{') && path !== '/')
      .map(({ method, path }) => `${method} ${path}`);
    const served = Object.entries(routes).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    assert.deepEqual(described.sort(), served.sort());
    assert.ok(api.paths['/artifacts/{host}/{commit}/{file}']?.put);
  });

  it('declares every parameter of a path, and names every operation once', () => {
    for (const { path, operation } of operations) {
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      assert.deepEqual(inPath.map(({ name }) => name).sort(), named.sort(), path);
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.deepEqual(ids, [...new Set(ids)]);
  });

  it('has every field of an event, in the query and in the body', () => {
    const refused = parseEvent([['nothing', '']]);
    const [, list = ''] = /it must be one of (.*)$/.exec(refused.ok ? '' : refused.error) ?? [];
    const event = api.paths['/event']?.post;
    const form = event?.requestBody?.content['application/x-www-form-urlencoded']?.schema;
    assert.deepEqual(Object.keys(form?.properties ?? {}), list.split(', '));
    assert.deepEqual(
      event?.parameters?.map(({ name }) => name),
      list.split(', '),
    );
  });
});

/** Statuses that other tests cause: with a full disk, a slow client, a flood or an open server. */
const notCaused = /^(\S+ \S+ (408|429|500|503|507)|GET \/token 403)$/;

describe('every answer of a running server is in docs/openapi.yaml', () => {
  const client = new CheckedClient(api);
  let folder: string;
  let server: ServedSite;
  let token: string;
  let otherToken: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soil-openapi-'));
    token = await makeSite(join(folder, 'a'), 'append,event,status,prune');
    otherToken = await must(process.execPath, [
      soilServer,
      ...['token', 'create', '--site', join(folder, 'a'), '--id', 'other', '--actions', 'append'],
      ...['--jobs', 'other'],
    ]).then((text) => text.trim().split('\n').at(-1) ?? '');
    await writeFile(
      join(folder, 'soil-server.yml'),
      [
        'limits: { body: 200KiB, artifact: 1KiB, event: 1KiB }',
        'projects:',
        '  /a:',
        '    site: a',
        '    retention: { run: { newest: 1 }, keep: { green: false, first-failure: false, branches: [] } }',
        '  /b: { site: b }',
      ].join('\n'),
    );
    await makeSite(join(folder, 'b'));
    server = await serveConfig(join(folder, 'soil-server.yml'));
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  interface Options {
    readonly path?: string;
    readonly init?: RequestInit;
    /** false: none */
    readonly token?: string | false;
    readonly project?: string;
  }

  /** Sends a request to an operation and expects a status. Without `path`, to the path of the operation itself. */
  async function expect(
    status: number,
    [method, template]: readonly [string, string],
    { path = template, init = {}, token: sent = token, project = 'a' }: Options = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (sent !== false) headers.set('Authorization', `Bearer ${sent}`);
    const url = new URL(`${project}${path}`, server.url);
    const response = await client.call({ method, template, url, init: { ...init, headers } });
    assert.equal(response.status, status, `${method} ${path}: ${await response.clone().text()}`);
    return response;
  }

  async function jobOf(run: string, more: Readonly<Record<string, unknown>> = {}): Promise<JobBytes> {
    const path = join(folder, 'job.wwz');
    const bytes = Buffer.from('<title>a job</title>');
    const entries = ['index.html', 'sub/page.html'].map((name) => ({ kind: 'bytes' as const, name, bytes }));
    valueOf(await writeWwz(path, entries));
    const base = await shellJob({
      ...{ GITHUB_RUN_NUMBER: run, GITHUB_RUN_ID: `9${run}`, GITHUB_REF: 'refs/heads/main' },
      ...more,
    });
    return { ...base, wwz: await readFile(path) };
  }

  const results = ['POST', '/results'] as const;
  const resultsPath = '/results?jobName=dev-minimal&workerHost=github';

  it('to POST /results', async () => {
    const post = async (status: number, job: JobBytes, options: Options = {}) =>
      expect(status, results, { path: resultsPath, init: { body: formOf(job) }, ...options });
    await post(201, await jobOf('1'));
    await post(200, await jobOf('1'));
    await post(409, await jobOf('1', { 'commit-line': 'other' }));
    await post(201, await jobOf('2'));
    await post(400, await jobOf('3'), { path: '/results?jobName=other&workerHost=github' });
    await post(401, await jobOf('3'), { token: false });
    await post(403, await jobOf('3'), { token: otherToken });
    await post(413, { ...(await jobOf('3')), tsv: 'x'.repeat(300_000) });
    await expect(405, ['GET', '/results']);
  });

  it('to PUT /artifacts', async () => {
    const artifact = ['PUT', '/artifacts/{host}/{commit}/{file}'] as const;
    const put = (status: number, body: string, options: Options = {}) =>
      expect(status, artifact, { path: `/artifacts/github/${commit}/a/b.txt`, init: { body }, ...options });
    await put(201, 'text');
    await put(200, 'text');
    await put(409, 'other');
    await put(400, 'text', { path: '/artifacts/gitlab/0000000/x' });
    await put(401, 'text', { token: false });
    await put(403, 'text', { token: otherToken });
    await put(413, 'x'.repeat(2000));
    await expect(405, ['POST', artifact[1]], { path: '/artifacts/github/0000000/x' });
  });

  it('to POST /event', async () => {
    const event = ['POST', '/event'] as const;
    const done = {
      eventName: 'done',
      workerHost: 'github',
      jobName: 'dev-minimal',
      runId: '92',
      status: '0',
    };
    const post = (status: number, fields: Readonly<Record<string, string>>, options: Options = {}) =>
      expect(status, event, { init: { body: new URLSearchParams(fields) }, ...options });
    await post(200, done);
    await post(200, { ...done, updateStatusApi: '1' });
    await expect(200, event, {
      path: '/event?eventName=start&workerHost=github&jobName=new&runId=93&runNumber=3&branch=main',
    });
    await post(400, { ...done, unknown: '1' });
    await post(401, done, { token: 'soil_ci_no' });
    await post(403, done, { token: otherToken });
    await post(409, { ...done, runId: '99999', updateStatusApi: '1' });
    await post(413, { ...done, branch: 'x'.repeat(2000) });
    await expect(405, ['PUT', '/event']);
  });

  it('to /wwup.cgi', async () => {
    const wwup = ['POST', '/wwup.cgi'] as const;
    const formData = (fields: Readonly<Record<string, string | Blob>>): FormData => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) {
        if (typeof value === 'string') form.append(name, value);
        else
          form.append(
            name,
            value,
            `dev-minimal.${name === 'file3' ? 'json' : name === 'file2' ? 'tsv' : 'wwz'}`,
          );
      }
      return form;
    };
    const filesOf = (job: JobBytes, run: string) =>
      formData({
        ...{ 'payload-type': 'github-jobs', subdir: run, file1: new Blob([new Uint8Array(job.wwz)]) },
        ...{ file2: new Blob([String(job.tsv)]), file3: new Blob([String(job.json)]) },
      });
    const post = (status: number, body: FormData, options: Options = {}) =>
      expect(status, wwup, { init: { body }, ...options });
    const hook = formData({ 'run-hook': 'soil-event-job-done' });
    await expect(200, ['GET', '/wwup.cgi'], { token: false });
    await post(200, hook);
    await post(200, filesOf(await jobOf('4'), '4'));
    const status = new FormData();
    status.append('payload-type', 'status-api');
    status.append('subdir', 'github/99999');
    status.append('file1', new Blob(['0']), 'dev-minimal.status.txt');
    await post(409, status);
    await post(401, hook, { token: false });
    await post(403, hook, { token: otherToken });
    await post(413, filesOf({ ...(await jobOf('5')), tsv: 'x'.repeat(300_000) }, '5'));
    const refused = await post(400, formData({ unknown: 'x' }));
    const [, list = ''] = /it must be one of (.*), file1 to file3/.exec(await refused.text()) ?? [];
    const form = api.paths['/wwup.cgi']?.post?.requestBody?.content['multipart/form-data']?.schema;
    assert.deepEqual(
      Object.keys(form?.properties ?? {}).sort(),
      [...list.split(', '), 'file1', 'file2', 'file3'].sort(),
    );
    await expect(405, ['PUT', '/wwup.cgi']);
  });

  it('to GET of /token, /healthz, /readyz and /metrics', async () => {
    await expect(200, ['GET', '/token']);
    await expect(401, ['GET', '/token'], { token: false });
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      await expect(200, ['GET', path], { token: false });
      await expect(405, ['PUT', path]);
    }
    await expect(401, ['GET', '/metrics'], {
      ...{ token: false, init: { headers: { 'X-Forwarded-For': '192.0.2.1' } } },
    });
    await expect(403, ['GET', '/metrics'], { init: { headers: { 'X-Forwarded-For': '192.0.2.1' } } });
    await expect(405, ['POST', '/token']);
  });

  it('to GET /limits', async () => {
    const forJob = '/limits?jobName=dev-minimal&workerHost=github';
    for (const path of ['/limits', forJob]) {
      const answer = await expect(200, ['GET', '/limits'], { path });
      const limits = valueOf(parseUploadLimits(await answer.text()));
      assert.equal(limits.bodyBytes, 200 * 1024, 'as soil-server.yml sets it');
      assert.equal(limits.artifactBytes, 1024);
      assert.deepEqual(
        [limits.entries, limits.rows, limits.expectedJobs].every((count) => Number.isInteger(count)),
        true,
      );
      await expect(401, ['GET', '/limits'], { path, token: false });
    }
    await expect(403, ['GET', '/limits'], { path: forJob, token: otherToken });
    await expect(200, ['GET', '/limits'], { token: otherToken });
    await expect(400, ['GET', '/limits'], { path: '/limits?jobName=a%2Fb&workerHost=github' });
    await expect(405, ['POST', '/limits']);
  });

  it('to GET of the files of a site', async () => {
    await waitForPages({ url: new URL('a/', server.url).href }, token);
    const files: readonly (readonly [template: string, path: string])[] = [
      ['/', '/'],
      ['/branches/{branch}/latest.json', '/branches/main/latest.json'],
      ['/branches/{branch}/latest-green.json', '/branches/main/latest-green.json'],
      ['/branches/{branch}/badge.svg', '/branches/main/badge.svg'],
      ['/branches/{branch}/jobs/{job}.svg', '/branches/main/jobs/dev-minimal.svg'],
      ['/branches/{branch}/feed.atom', '/branches/main/feed.atom'],
      ['/history/{job}.json', '/history/dev-minimal.json'],
      ['/status-api/{host}/{run}/{job}', '/status-api/github/92/dev-minimal'],
      ['/{hostFolder}/{run}/{job}.json', '/github-jobs/2/dev-minimal.json'],
      ['/{hostFolder}/{run}/{job}.wwz/{entry}', '/github-jobs/2/dev-minimal.wwz/index.html'],
      ['/{path}', '/github-jobs/2/dev-minimal.tsv'],
      ['/{path}', '/web/schema/soil.schema.json'],
    ];
    for (const [template, path] of files) {
      const found = await expect(200, ['GET', template], { path, token: false });
      const headers = { 'If-None-Match': found.headers.get('etag') ?? '' };
      await expect(304, ['GET', template], { path, init: { headers }, token: false });
      if (path === '/') continue;
      const absent = path.replace(/main|dev-minimal/, 'absent').replace('soil.schema', 'absent');
      await expect(404, ['GET', template], { path: absent, token: false });
      const page = { headers: { Accept: 'text/html' } };
      await expect(404, ['GET', template], { path: absent, init: page, token: false });
    }
  });

  it('to conditional and partial requests of files', async () => {
    const entry = ['GET', '/{hostFolder}/{run}/{job}.wwz/{entry}'] as const;
    const file = ['GET', '/{path}'] as const;
    const wwz = '/github-jobs/2/dev-minimal.wwz';
    for (const [operation, path, folderPath] of [
      [entry, `${wwz}/sub/page.html`, `${wwz}/sub`],
      [file, '/github-jobs/2/dev-minimal.tsv', '/github-jobs'],
    ] as const) {
      await expect(206, operation, { path, init: { headers: { Range: 'bytes=0-3' } } });
      await expect(416, operation, { path, init: { headers: { Range: 'bytes=9999-' } } });
      await expect(301, operation, { path: folderPath });
    }
    const worker = { headers: { 'Service-Worker': 'script' } };
    await expect(403, entry, { path: `${wwz}/sub/page.html`, init: worker });
    const path = `/github-jobs/commits/${commit}/a/b.txt`;
    await expect(403, file, { path, init: worker });
  });

  it('to POST /prune, and to GET of what it removed', async () => {
    const prune = ['POST', '/prune'] as const;
    await expect(401, prune, { token: false });
    await expect(403, prune, { token: otherToken });
    await expect(405, ['GET', '/prune']);
    await expect(200, prune);
    const pruneToken = await must(process.execPath, [
      soilServer,
      ...['token', 'create', '--site', join(folder, 'b'), '--id', 'prune', '--actions', 'prune'],
    ]).then((text) => text.trim().split('\n').at(-1) ?? '');
    await expect(409, prune, { project: 'b', token: pruneToken });
    const removed = '/github-jobs/1/dev-minimal';
    await expect(410, ['GET', '/{path}'], { path: `${removed}.tsv` });
    await expect(410, ['GET', '/{hostFolder}/{run}/{job}.json'], { path: `${removed}.json` });
    await expect(410, ['GET', '/{hostFolder}/{run}/{job}.wwz/{entry}'], {
      path: `${removed}.wwz/index.html`,
    });
  });

  it('and the tests above cause every status that it describes', () => {
    const described = operations.flatMap(({ method, path, operation }) =>
      Object.keys(operation.responses).map(
        (status) => `${status === '405' ? '*' : method} ${path} ${status}`,
      ),
    );
    const missing = described.filter((answer) => !client.seen.has(answer) && !notCaused.test(answer));
    assert.deepEqual(missing, []);
  });
});
