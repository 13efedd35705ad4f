import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { valueOf } from '../model/result.js';
import { parseStatus } from '../model/status.js';
import { must, run, soilServer } from './command.js';
import { startServer, waitForPages, type RunningServer } from './soil-server.js';
import { commit, formOf, shellJob, smallWwz, tsvOf, type JobBytes } from './upload-form.js';

let server: RunningServer;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server.close();
});

interface Answered {
  readonly status: number;
  readonly json: Readonly<Record<string, string>>;
}

const bearer = (token = server.token) => ({ Authorization: `Bearer ${token}` });

async function ask(path: string, init: RequestInit = {}): Promise<Answered> {
  const headers = { Accept: 'application/json', ...bearer(), ...(init.headers as object) };
  const response = await fetch(new URL(path, server.url), { ...init, headers });
  return { status: response.status, json: (await response.json()) as Readonly<Record<string, string>> };
}

const upload = (job: JobBytes, host = 'github', headers = {}): Promise<Answered> =>
  ask(`results?jobName=${job.job}&workerHost=${host}`, { method: 'POST', body: formOf(job), headers });

const event = (fields: Readonly<Record<string, string>>): Promise<Answered> =>
  ask(`event?${new URLSearchParams(fields).toString()}`, { method: 'POST' });

async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(new URL(path, server.url));
  return { status: response.status, text: await response.text() };
}

/** Every file of the site with its size, also private ones, except those that every request may change. */
async function siteFiles(): Promise<readonly string[]> {
  const entries = await readdir(server.site, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.sort().map(async (file) => `${file} ${(await stat(file)).mtimeMs}`));
}

const waitForStableUrls = (): Promise<void> => waitForPages(server, server.token);

/** Asserts that a request is refused with `status` and leaves the site as it was. */
async function refusedWithoutTrace(
  status: number,
  pattern: RegExp,
  work: () => Promise<Answered>,
): Promise<void> {
  await waitForStableUrls();
  const before = await siteFiles();
  const answered = await work();
  assert.equal(answered.status, status, JSON.stringify(answered.json));
  assert.match(answered.json.error ?? '', pattern);
  assert.deepEqual(await siteFiles(), before);
  assert.deepEqual(await readdir(join(server.site, '.soil', 'staging')), []);
}

test('POST /results stores a job and shows it on every page', async () => {
  const job = await shellJob();
  const sent = await upload(job);
  assert.equal(sent.status, 201);
  assert.deepEqual(sent.json, {
    record: 'github-jobs/1234/dev-minimal.json',
    wwz: 'github-jobs/1234/dev-minimal.wwz/',
    run: 'github-jobs/1234/',
    commit: `github-jobs/commits/${commit}.html`,
  });
  assert.equal((await get(sent.json.record)).text, job.json);
  assert.match((await get(sent.json.wwz)).text, /a job/);
  const pages = ['github-jobs/', 'github-jobs/raw.html', sent.json.run, sent.json.commit];
  for (const page of pages) assert.match((await get(page)).text, />dev-minimal</, page);
  assert.match((await get('')).text, /Run 1234.*Größe &lt;b&gt;/s);
});

test('POST /results accepts the same bytes again and refuses other ones', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1300', GITHUB_RUN_ID: '1300900' });
  assert.equal((await upload(job)).status, 201);
  assert.equal((await upload(job)).status, 200);
  const other = { ...job, wwz: await smallWwz('<title>another</title>') };
  await refusedWithoutTrace(409, /"github-jobs\/1300\/dev-minimal\.wwz".*nothing is overwritten/, () =>
    upload(other),
  );
});

test('POST /results accepts a job that began in the future, and its page says that the clock is wrong', async () => {
  for (const [index, start] of ['253402300799', String(Date.now() / 1000 + 90_000)].entries()) {
    const number = String(1350 + index);
    const ids = { GITHUB_RUN_NUMBER: number, GITHUB_RUN_ID: `${number}900` };
    const job = await shellJob({ ...ids, 'task-run-start-time': start, 'task-deploy-start-time': null });
    assert.equal((await upload(job)).status, 201);
    assert.match((await get(`github-jobs/${number}/`)).text, /the clock of its worker is wrong/);
  }
});

test('POST /results keeps two runs with the same number, and their attempts', async () => {
  const first = await shellJob({ GITHUB_RUN_NUMBER: '1400', GITHUB_RUN_ID: '14001' });
  const second = await shellJob({ GITHUB_RUN_NUMBER: '1400', GITHUB_RUN_ID: '14002' });
  const again = await shellJob({
    GITHUB_RUN_NUMBER: '1400',
    GITHUB_RUN_ID: '14002',
    GITHUB_RUN_ATTEMPT: '2',
  });
  assert.equal((await upload(first)).json.run, 'github-jobs/1400/');
  assert.equal((await upload(second)).json.run, 'github-jobs/1400-id14002/');
  assert.equal((await upload(again)).json.run, 'github-jobs/1400-id14002-2/');
  assert.equal((await get('github-jobs/1400/dev-minimal.json')).text, first.json);
});

test('POST and PUT refuse requests without a valid token', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1500', GITHUB_RUN_ID: '15001' });
  const form = (): RequestInit => ({ method: 'POST', body: formOf(job) });
  const path = 'results?jobName=dev-minimal&workerHost=github';
  const flipped = server.token.slice(0, -1) + (server.token.endsWith('A') ? 'B' : 'A');
  for (const Authorization of ['', 'Bearer', 'Bearer x', `Bearer ${flipped}`, 'Basic !!', 'Digest a=b']) {
    const response = await fetch(new URL(path, server.url), {
      ...form(),
      headers: Authorization === '' ? {} : { Authorization },
    });
    assert.equal(response.status, 401, Authorization);
    assert.notEqual(response.headers.get('WWW-Authenticate'), null);
    assert.ok(!(await response.text()).includes(flipped), 'the response does not repeat the token');
  }
  assert.equal((await get('github-jobs/1500/')).status, 404);
});

test('a token works for its actions, jobs and worker host only, and not after it is revoked', async () => {
  const created = await must(process.execPath, [
    ...[soilServer, 'token', 'create', '--site', server.site, '--id', 'narrow', '--actions', 'append'],
    ...['--jobs', 'cpp-*', '--worker-host', 'github', '--expires', '1'],
  ]);
  const headers = bearer(created.trim().split('\n').at(-1));
  const job = await shellJob({ 'job-name': 'cpp-small', GITHUB_RUN_NUMBER: '1600', GITHUB_RUN_ID: '16001' });
  const wrongJob = await upload(await shellJob(), 'github', headers);
  assert.equal(wrongJob.status, 403);
  assert.match(wrongJob.json.error ?? '', /job "dev-minimal".*"cpp-\*"/);
  assert.equal((await upload(job, 'local', headers)).status, 403);
  const response = await ask('event?eventName=start&workerHost=github&runId=1&jobName=cpp-small', {
    method: 'POST',
    headers,
  });
  assert.equal(response.status, 403);
  assert.match(response.json.error ?? '', /lacks the action event/);
  assert.equal((await upload(job, 'github', headers)).status, 201);
  await must(process.execPath, [soilServer, 'token', 'revoke', '--site', server.site, '--id', 'narrow']);
  assert.equal((await upload(job, 'github', headers)).status, 401);
});

test('Basic authentication with the token as password works like Bearer', async () => {
  const Authorization = `Basic ${Buffer.from(`anybody:${server.token}`).toString('base64')}`;
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1650', GITHUB_RUN_ID: '16501' });
  assert.equal((await upload(job, 'github', { Authorization })).status, 201);
});

test('POST /results refuses a record that claims more than its rows', async () => {
  const claim = { schema: 1, host: 'github', attempt: 1, GITHUB_RUN_NUMBER: '1700', GITHUB_RUN_ID: '17001' };
  const failed = tsvOf([0, 'a'], [3, 'b']);
  const cases: [Readonly<Record<string, unknown>>, string, RegExp][] = [
    [{ outcome: 'passed', status: 0 }, failed, /outcome "passed".*"failed"/],
    [{ outcome: 'failed', status: 0 }, failed, /status "0"/],
    [{ outcome: 'passed', status: 0 }, '', /outcome "passed".*"empty"/],
    [{ outcome: 'cancelled', status: 0 }, failed, /status "0"/],
    [{ outcome: 'passed', status: 0 }, '0\tshort row\n', /"error"/],
  ];
  for (const [more, tsv, pattern] of cases) {
    const job = await shellJob({ ...claim, ...more }, tsv);
    await refusedWithoutTrace(400, pattern, () => upload(job));
  }
});

test('POST /results names the invalid file and the reason, and keeps nothing', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1800', GITHUB_RUN_ID: '18001' });
  const lying = Buffer.from(job.wwz);
  lying[14] = (lying[14] ?? 0) ^ 1; // the CRC in the local header
  const cases: [Partial<JobBytes>, RegExp][] = [
    [{ json: String(job.json).slice(0, 100) }, /^json: .*JSON/],
    [{ json: Buffer.from([0x7b, 0xff, 0x7d]) }, /^json: .*not valid UTF-8/],
    [
      { json: String(job.json).replace('"98765"', '5').replace('"18001"', 'null') },
      /GITHUB_RUN_ID is missing/,
    ],
    [{ json: String(job.json).replace('"dev-minimal"', '"other"') }, /job-name "other"/],
    [{ tsv: Buffer.from([0x30, 0x09, 0xc3, 0x28]) }, /^tsv: .*not valid UTF-8/],
    [{ wwz: Buffer.from('no zip at all') }, /^wwz: /],
    [{ wwz: lying }, /^wwz: /],
    [{ wwz: job.wwz.subarray(0, job.wwz.length - 5) }, /^wwz: /],
  ];
  for (const [bad, pattern] of cases) {
    await refusedWithoutTrace(400, pattern, () => upload({ ...job, ...bad }));
  }
});

test('POST /results accepts a job without a wwz only if its outcome is error', async () => {
  const ids = { GITHUB_RUN_NUMBER: '1850', GITHUB_RUN_ID: '18501' };
  const end = { schema: 1, host: 'github', outcome: 'error', status: 125, reason: 'cannot pull image' };
  const withoutWwz = (job: JobBytes): Promise<Answered> => {
    const form = formOf(job);
    form.delete('wwz');
    return ask('results?jobName=dev-minimal&workerHost=github', { method: 'POST', body: form });
  };
  const passed = await shellJob(ids);
  await refusedWithoutTrace(400, /wwz is missing/, () => withoutWwz(passed));
  assert.equal((await withoutWwz(await shellJob({ ...ids, ...end }, ''))).status, 201);
  assert.match((await get('github-jobs/1850/')).text, /cannot pull image/);
});

test('POST /results refuses a file name that contains a path', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1900', GITHUB_RUN_ID: '19001' });
  for (const name of ['../../x.json', '/etc/x.json', 'a\\x.json', '..\\x.json', '.json', 'x.html', '']) {
    const form = formOf(job);
    form.delete('json');
    form.append('json', new Blob([String(job.json)]), name);
    await refusedWithoutTrace(400, /cannot accept (file|job name)/, () =>
      ask('results?jobName=dev-minimal&workerHost=github', { method: 'POST', body: form }),
    );
  }
});

test('POST /results refuses a second file of a kind, an unknown field, and a body that is not a form', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1950', GITHUB_RUN_ID: '19501' });
  const path = 'results?jobName=dev-minimal&workerHost=github';
  const twice = formOf(job);
  twice.delete('json');
  twice.append('tsv', new Blob(['x']), 'dev-minimal.tsv');
  await refusedWithoutTrace(400, /second tsv/, () => ask(path, { method: 'POST', body: twice }));
  const odd = formOf(job);
  odd.append('zip', new Blob(['x']), 'dev-minimal.json');
  await refusedWithoutTrace(413, /more than 3 files/, () => ask(path, { method: 'POST', body: odd }));
  await refusedWithoutTrace(400, /cannot read the form/, () =>
    ask(path, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }),
  );
  for (const query of [
    '',
    '?jobName=dev-minimal',
    '?jobName=../x&workerHost=github',
    '?jobName=a&workerHost=x',
  ]) {
    await refusedWithoutTrace(400, /cannot accept/, () =>
      ask(`results${query}`, { method: 'POST', body: formOf(job) }),
    );
  }
});

test('POST /results refuses a file that is too large while it is received', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1960', GITHUB_RUN_ID: '19601' });
  const large = { ...job, json: Buffer.alloc(5 * 1024 * 1024, 0x20) };
  await refusedWithoutTrace(413, /"json".*bytes/, () => upload(large));
});

/** Sends raw bytes on a new socket and returns the response; a client that `leaves` does not wait for one. */
async function raw(bytes: string, leaves = false): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(bytes);
  if (leaves) socket.end();
  await once(socket, 'close');
  return text;
}

test('a body that is shorter or longer than its declared length leaves nothing', async () => {
  const head = (length: number): string =>
    `POST /results?jobName=dev-minimal&workerHost=github HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n` +
    `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;
  const body =
    '--b\r\nContent-Disposition: form-data; name="wwz"; filename="dev-minimal.wwz"\r\n\r\nhalf a file';
  const before = await siteFiles();
  assert.match(await raw(head(body.length) + body), /^HTTP\/1\.1 400 .*Unexpected end of form/s);
  await raw(head(body.length + 1000) + body, true);
  assert.match(await raw(head(10) + body), /^HTTP\/1\.1 400 /);
  assert.match(await raw(head(10 ** 13)), /^HTTP\/1\.1 413 /);
  // The client left: its staging folder is removed once the server notices.
  const until = Date.now() + 10_000;
  const staging = join(server.site, '.soil', 'staging');
  while ((await readdir(staging)).length > 0 && Date.now() < until) await get('healthz');
  assert.deepEqual(await siteFiles(), before);
  assert.deepEqual(await readdir(staging), []);
});

test('POST /event shows a running job; the status API follows the record only', async () => {
  const base = { workerHost: 'github', runId: '20001', jobName: 'dev-minimal' };
  const started = await event({
    ...base,
    ...{ eventName: 'start', runNumber: '2000', commit, expectedJobs: 'dev-minimal,cpp-small' },
  });
  assert.equal(started.status, 200);
  assert.equal((await event({ ...base, eventName: 'task-done', task: 'unit' })).status, 200);
  const running = (await get('github-jobs/2000/')).text;
  assert.match(running, /1 task done/);
  assert.match(running, /cpp-small/);
  const done = { ...base, eventName: 'done', updateStatusApi: '1' };
  await refusedWithoutTrace(409, /no record/, () => event({ ...done, status: '0' }));
  const job = await shellJob(
    { GITHUB_RUN_NUMBER: '2000', GITHUB_RUN_ID: '20001' },
    tsvOf([0, 'a'], [7, 'b']),
  );
  assert.equal((await upload(job)).status, 201);
  await refusedWithoutTrace(409, /stored record says 7/, () => event({ ...done, status: '0' }));
  await refusedWithoutTrace(409, /no record.*attempt 2/, () => event({ ...done, status: '7', attempt: '2' }));
  await refusedWithoutTrace(409, /of commit/, () => event({ ...done, status: '7', commit: 'abcdef0' }));
  assert.equal((await event({ ...done, status: '7' })).json.status, 'status-api/github/20001/dev-minimal');
  const status = valueOf(parseStatus((await get('status-api/github/20001/dev-minimal')).text));
  assert.deepEqual(
    { ...status, time: 0 },
    {
      ...{ status: 7, host: 'github', run: '20001', attempt: 1, job: 'dev-minimal' },
      ...{ commit, outcome: 'failed', time: 0 },
    },
  );
});

test("the status of an older attempt does not replace a newer one's", async () => {
  const ids = { GITHUB_RUN_NUMBER: '2100', GITHUB_RUN_ID: '21001' };
  await upload(await shellJob(ids, tsvOf([0, 'a'])));
  await upload(await shellJob({ ...ids, GITHUB_RUN_ATTEMPT: '2' }, tsvOf([9, 'a'])));
  const done = {
    eventName: 'done',
    workerHost: 'github',
    runId: '21001',
    jobName: 'dev-minimal',
    updateStatusApi: '1',
  };
  assert.equal((await event({ ...done, attempt: '2', status: '9' })).status, 200);
  const late = await event({ ...done, status: '0' });
  assert.match(late.json.note ?? '', /attempt 2 is newer/);
  assert.match((await get('status-api/github/21001/dev-minimal')).text, /^9 .*attempt=2 /);
});

test('POST /event for a run whose number is still unknown is shown once it is known', async () => {
  const base = { workerHost: 'github', runId: '22001', jobName: 'cpp-small' };
  assert.equal((await event({ ...base, eventName: 'start' })).status, 200);
  await upload(await shellJob({ GITHUB_RUN_NUMBER: '2200', GITHUB_RUN_ID: '22001' }));
  assert.match((await get('github-jobs/2200/')).text, /cpp-small/);
});

test('all sourcehut jobs of two commits with equal dates and interleaved ids are shown', async () => {
  const other = 'c0ffee0011223344556677889900aabbccddeeff';
  for (const [id, hash] of [
    ['345', commit],
    ['346', other],
    ['347', commit],
    ['348', other],
  ]) {
    const job = await shellJob({
      ...{ JOB_ID: id, 'commit-hash': hash, GITHUB_RUN_NUMBER: null, GITHUB_RUN_ID: null },
    });
    assert.equal((await upload(job, 'sourcehut')).json.run, `srht-jobs/${id ?? ''}/`);
  }
  const raw = (await get('srht-jobs/raw.html')).text;
  const index = (await get('srht-jobs/')).text;
  for (const id of ['345', '346', '347', '348']) {
    assert.match(raw, new RegExp(`href="${id}/`), id);
    assert.match(index, new RegExp(`#${id}\\b`), id);
  }
  const done = {
    eventName: 'done',
    workerHost: 'sourcehut',
    jobName: 'dev-minimal',
    updateStatusApi: '1',
    status: '0',
  };
  assert.equal(
    (await event({ ...done, jobId: '347' })).json.status,
    `status-api/sourcehut/${commit}/dev-minimal`,
  );
  assert.match((await event({ ...done, jobId: '345' })).json.note ?? '', /belongs to job id 347/);
});

test("on sourcehut the status of an older job does not replace a newer one's, even if its record has a higher run id", async () => {
  const hash = 'feedfacefeedfacefeedfacefeedfacefeedface';
  const job = { 'commit-hash': hash, GITHUB_RUN_NUMBER: null, GITHUB_RUN_ID: null };
  // A run id of GitHub orders runs there; here it has no meaning.
  const older = await shellJob({ ...job, JOB_ID: '401', GITHUB_RUN_ID: '9' }, tsvOf([0, 'a']));
  const newer = await shellJob({ ...job, JOB_ID: '402' }, tsvOf([9, 'a']));
  for (const each of [older, newer]) assert.equal((await upload(each, 'sourcehut')).status, 201);
  const done = { eventName: 'done', workerHost: 'sourcehut', jobName: 'dev-minimal', updateStatusApi: '1' };
  assert.equal((await event({ ...done, jobId: '402', status: '9' })).status, 200);
  assert.match(
    (await event({ ...done, jobId: '401', status: '0' })).json.note ?? '',
    /belongs to job id 402/,
  );
  assert.match((await get(`status-api/sourcehut/${hash}/dev-minimal`)).text, /^9 /);
});

test('POST /event refuses an invalid event', async () => {
  await refusedWithoutTrace(400, /eventName/, () => event({ workerHost: 'github' }));
  await refusedWithoutTrace(400, /duplicate field/, () =>
    ask('event?eventName=start&eventName=start', { method: 'POST' }),
  );
  await refusedWithoutTrace(413, /more than 65536 bytes/, () =>
    ask('event', {
      method: 'POST',
      body: 'x'.repeat(70_000),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    }),
  );
});

test('PUT /artifacts publishes a file for a commit, append-only', async () => {
  const put = (path: string, body: string): Promise<Answered> =>
    ask(`artifacts/${path}`, { method: 'PUT', body });
  const path = `github/${commit}/oils.tar`;
  assert.equal((await put(path, 'tar')).status, 201);
  assert.equal((await put(path, 'tar')).status, 200);
  await refusedWithoutTrace(409, /nothing is overwritten/, () => put(path, 'other'));
  await refusedWithoutTrace(409, /nothing is overwritten/, () => put(`${path}/below`, 'other'));
  assert.equal((await get(`github-jobs/commits/${commit}/oils.tar`)).text, 'tar');
  assert.match((await get(`github-jobs/commits/${commit}.html`)).text, /oils\.tar/);
  for (const bad of ['%2e%2e%2fx', '.hidden', 'a%5Cb', 'a//b', '%ff', '']) {
    await refusedWithoutTrace(400, /cannot accept artifact/, () => put(`github/${commit}/${bad}`, 'x'));
  }
  await refusedWithoutTrace(400, /commit/, () => put('github/NOHASH/x', 'x'));
});

test('unknown addresses, wrong methods and private files are refused with one sentence', async () => {
  assert.equal((await ask('nothing', { method: 'POST', body: 'x' })).status, 404);
  assert.equal((await ask('results')).status, 405);
  assert.equal((await get('.soil/tokens.json')).status, 404);
  const text = await fetch(new URL('event', server.url), {
    method: 'POST',
    headers: { Accept: 'text/plain' },
  });
  assert.equal(text.headers.get('Content-Type'), 'text/plain; charset=utf-8');
  assert.match(await text.text(), /^cannot accept this request without a token\n$/);
});

test('GET /healthz, /readyz and /metrics report the state of the server', async () => {
  for (const path of ['healthz', 'readyz']) assert.deepEqual(await get(path), { status: 200, text: 'ok\n' });
  const { text } = await get('metrics');
  assert.match(text, /^soil_uploads_total\{project="\/",result="new"\} \d+$/m);
  assert.match(text, /^soil_requests_total\{project="\/",route="results",status="201"\} \d+$/m);
  assert.ok(text.endsWith('# EOF\n'));
});

test('a second server for the same site refuses to start and names the first', async () => {
  const second = await run(process.execPath, [soilServer, 'serve', '--site', server.site, '--port', '0']);
  assert.equal(second.status, 2);
  assert.match(second.stderr, /process \d+ holds the lock/);
  const rebuild = await run(process.execPath, [soilServer, 'rebuild', server.site]);
  assert.equal(rebuild.status, 2);
});

test('a failed job whose record has a wrong value that only a page shows is stored, and its page names the value', async () => {
  const facts = {
    ...{ 'image-pull-time': 'pull time lost', 'task-run-start-time': '2026-02-30T10:00:00Z' },
    ...{ GITHUB_REF: `refs/heads/${'x'.repeat(5000)}`, GITHUB_RUN_NUMBER: '2290', GITHUB_RUN_ID: '22901' },
  };
  const job = await shellJob(facts, tsvOf([1, 'unit']));
  assert.equal((await upload(job)).status, 201);
  const { text } = await get('github-jobs/2290/');
  assert.match(text, /class="mark failed"/);
  assert.match(text, /the record has image-pull-time &quot;pull time lost&quot;: it must be a number/);
  assert.match(text, /the record has task-run-start-time &quot;2026-02-30T10:00:00Z&quot;/);
  assert.match(text, /the record has GITHUB_REF &quot;refs\/heads\/xxx/);
});

test('simultaneous uploads are all stored and shown', async () => {
  const jobs = await Promise.all(
    Array.from({ length: 18 }, (_, i) =>
      shellJob({ 'job-name': `job-${i}`, GITHUB_RUN_NUMBER: '2300', GITHUB_RUN_ID: '23001' }),
    ),
  );
  const answers = await Promise.all(jobs.map((job) => upload(job)));
  assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([201]));
  const page = (await get('github-jobs/2300/')).text;
  for (const { job } of jobs) assert.match(page, new RegExp(`>${job}<`));
});

test('the access log contains no token', async () => {
  await fetch(new URL(`event?token=${server.token}`, server.url), { method: 'POST', headers: bearer() });
  assert.match(server.log(), /"path":"\/event"/);
  assert.ok(!server.log().includes(server.token.slice(-20)));
});

test('a server without tokens listens on loopback only', async () => {
  const args = ['serve', '--site', server.site, '--open-on-loopback', '--host'];
  for (const host of ['0.0.0.0', 'localhost', '192.0.2.1']) {
    const end = await run(process.execPath, [soilServer, ...args, host]);
    assert.equal(end.status, 2);
    assert.match(end.stderr, /--open-on-loopback needs an address/);
  }
});

test('serve refuses a folder that is not a site', async () => {
  const end = await run(process.execPath, [soilServer, 'serve', '--site', '/nonexistent-site']);
  assert.equal(end.status, 2);
  assert.match(end.stderr, /not a site\. To create one: soil-server init/);
});

test('init refuses a folder that contains other files, unless an option allows it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-home-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'letter.txt'), 'private');
  const init = (...args: string[]) => run(process.execPath, [soilServer, 'init', folder, ...args]);
  const rebuild = () => run(process.execPath, [soilServer, 'rebuild', folder]);
  for (const end of [await init(), await rebuild()]) {
    assert.equal(end.status, 2);
    assert.match(
      end.stderr,
      /^cannot make .* a site: it contains "letter\.txt", and everything in a site is public\. /,
    );
    assert.deepEqual(await readdir(folder), ['letter.txt']);
  }
  const nowhere = await run(process.execPath, [soilServer, 'rebuild', join(folder, 'sub')]);
  assert.deepEqual(
    [nowhere.status, nowhere.stderr, await readdir(folder)],
    [2, `cannot rebuild "${folder}/sub": no such directory\n`, ['letter.txt']],
  );
  const file = await run(process.execPath, [soilServer, 'init', join(folder, 'letter.txt')]);
  assert.deepEqual(
    [file.status, file.stderr],
    [2, `cannot make "${folder}/letter.txt" a site: not a directory\n`],
  );
  assert.equal((await init('--force')).status, 0);
  assert.equal((await init()).status, 0, 'a site may contain other files');
  assert.equal((await rebuild()).status, 0);
  await rm(folder, { recursive: true });
  await mkdir(join(folder, 'lost+found'), { recursive: true });
  assert.equal((await init()).status, 0, 'a folder that only has what a new disk has');
});
