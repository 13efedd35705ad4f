import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './command.js';
import { startServer, type RunningServer } from './soil-server.js';
import { commit, shellJob, tsvOf, writeJobFiles, type JobBytes } from './upload-form.js';

let server: RunningServer;
let folder: string;
before(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), 'soil-shell-'));
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs `curl --include --fail-with-body --form ...` like the shell clients; the token is the password in the URL. */
async function curl(
  ...forms: readonly string[]
): Promise<{ readonly status: number | null; readonly text: string }> {
  const url = new URL('wwup.cgi', server.url);
  url.username = 'soil';
  url.password = server.token;
  const args = ['--silent', '--show-error', '--include', '--fail-with-body'];
  const end = await run('curl', [...args, ...forms.flatMap((form) => ['--form', form]), url.href], {
    cwd: folder,
  });
  return { status: end.status, text: end.stdout };
}

async function sendJob(job: JobBytes, subdir: string, prefix = 'github-') {
  await writeJobFiles(folder, job);
  return curl(
    ...[`payload-type=${prefix}jobs`, `subdir=${subdir}`],
    ...[`file1=@${job.job}.wwz`, `file2=@${job.job}.tsv`, `file3=@${job.job}.json`],
  );
}

async function sendStatus(runId: string, job: string, line: string) {
  await writeFile(join(folder, `${job}.status.txt`), line);
  return curl('payload-type=status-api', `subdir=github/${runId}`, `file1=@${job}.status.txt`);
}

async function get(path: string): Promise<string> {
  const response = await fetch(new URL(path, server.url));
  assert.equal(response.status, 200, path);
  return response.text();
}

test("a job from Soil's shell client is stored, shown and counted", async () => {
  const sent = await sendJob(await shellJob(), '1234');
  assert.equal(sent.status, 0, sent.text);
  assert.match(sent.text, /^HTTP\/1\.1 200 .*github-jobs\/1234\/dev-minimal\.wwz\/\n/s);
  assert.match(await get('github-jobs/1234/'), />dev-minimal</);
  assert.match(await get('github-jobs/1234/dev-minimal.wwz/'), /a job/);
  const status = await sendStatus('98765', 'dev-minimal', '0 2026-01-13__12-00-00\n');
  assert.equal(status.status, 0, status.text);
  assert.match(
    await get('status-api/github/98765/dev-minimal'),
    new RegExp(`^0 .* commit=${commit} outcome=passed `),
  );
});

test('the hooks respond and run nothing', async () => {
  const done = await curl('run-hook=soil-event-job-done', 'arg1=github-', 'arg2=1234');
  assert.equal(done.status, 0, done.text);
  assert.equal((await curl('run-hook=soil-cleanup-status-api', 'arg1=true')).status, 0);
  const other = await curl('run-hook=local-test', 'arg1=; touch pwned');
  assert.equal(other.status, 22);
  assert.match(other.text, /400 .*cannot run hook "local-test"/s);
  assert.ok(!(await readdir(folder)).includes('pwned'));
});

test('all attempts of a client that does not number them are kept', async () => {
  const ids = { GITHUB_RUN_NUMBER: '1300', GITHUB_RUN_ID: '13001' };
  const first = await shellJob(ids, tsvOf([1, 'unit']));
  assert.match((await sendJob(first, '1300')).text, /github-jobs\/1300\/dev-minimal\.json/);
  assert.match((await sendJob(await shellJob(ids), '1300')).text, /github-jobs\/1300-2\/dev-minimal\.json/);
  assert.match((await sendJob(first, '1300')).text, /github-jobs\/1300\/dev-minimal\.json/);
  assert.equal(await get('github-jobs/1300/dev-minimal.tsv'), first.tsv);
  assert.equal((await sendStatus('13001', 'dev-minimal', '0\n')).status, 0);
  assert.match(await get('status-api/github/13001/dev-minimal'), /^0 .*attempt=2 /);
});

test('a status that contradicts the stored record, or has none, is refused', async () => {
  const ids = { GITHUB_RUN_NUMBER: '1400', GITHUB_RUN_ID: '14001' };
  await sendJob(await shellJob(ids, tsvOf([0, 'a'], [5, 'b'])), '1400');
  const claimed = await sendStatus('14001', 'dev-minimal', '0\n');
  assert.equal(claimed.status, 22);
  assert.match(claimed.text, /409 .*stored record says 5 \(failed\)/s);
  assert.match((await sendStatus('14002', 'dev-minimal', '0\n')).text, /409 .*no record/s);
  assert.match((await sendStatus('14001', 'dev-minimal', 'zero\n')).text, /400 .*"zero"/s);
  assert.equal((await fetch(new URL('status-api/github/14001/dev-minimal', server.url))).status, 404);
});

test('a job with an empty TSV has not passed, even if its status file says so', async () => {
  const ids = { GITHUB_RUN_NUMBER: '1500', GITHUB_RUN_ID: '15001' };
  assert.equal((await sendJob(await shellJob(ids, ''), '1500')).status, 0);
  assert.match((await sendStatus('15001', 'dev-minimal', '0\n')).text, /409 .*125 \(empty\)/s);
  assert.doesNotMatch(await get('github-jobs/1500/'), /class="mark passed"/);
});

test('a record without a run id is shown, but has no status', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: null, GITHUB_RUN_ID: null });
  assert.match((await sendJob(job, '1600')).text, /github-jobs\/1600\/dev-minimal\.json/);
  assert.match(await get('github-jobs/1600/'), />dev-minimal</);
});

test('a sourcehut job is stored in the folder of its job id', async () => {
  const ids = { GITHUB_RUN_NUMBER: null, GITHUB_RUN_ID: null, JOB_ID: '345' };
  const sent = await sendJob(await shellJob(ids), '345', 'sourcehut-');
  assert.match(sent.text, /srht-jobs\/345\/dev-minimal\.json/);
  const wrong = await sendJob(await shellJob({ ...ids, JOB_ID: '346' }), '347', 'sourcehut-');
  assert.match(wrong.text, /400 .*JOB_ID "346": subdir is "347"/s);
});

test('files that are sent one by one become a job with the JSON', async () => {
  const job = await shellJob({ GITHUB_RUN_NUMBER: '1700', GITHUB_RUN_ID: '17001' });
  await writeJobFiles(folder, job);
  const fields = ['payload-type=github-jobs', 'subdir=1700'];
  assert.match((await curl(...fields, 'file1=@dev-minimal.json')).text, /400 .*tsv is missing/s);
  assert.match(
    (await curl(...fields, 'file1=@dev-minimal.wwz')).text,
    /200 .*Kept until dev-minimal\.json arrives/s,
  );
  assert.equal((await curl(...fields, 'file1=@dev-minimal.tsv')).status, 0);
  assert.equal((await fetch(new URL('github-jobs/1700/', server.url))).status, 404);
  assert.match(
    (await curl(...fields, 'file1=@dev-minimal.json')).text,
    /github-jobs\/1700\/dev-minimal\.json/,
  );
  assert.match(await get('github-jobs/1700/dev-minimal.wwz/'), /a job/);
  assert.deepEqual(await readdir(join(server.site, '.soil', 'partial')), []);
});

test('names and folders that contain a path are refused', async () => {
  await writeJobFiles(folder, await shellJob());
  for (const name of ['../../x.json', '/tmp/x.json', 'a\\\\x.json', '.soil/tokens.json']) {
    const sent = await curl(
      'payload-type=github-jobs',
      'subdir=1800',
      `file1=@dev-minimal.json;filename="${name}"`,
    );
    assert.match(sent.text, /^HTTP\/1\.1 400 /m, name);
  }
  for (const subdir of ['..', '../x', '.soil', 'commits', '1800/..', '/etc', '']) {
    const sent = await sendJob(await shellJob(), subdir);
    assert.match(sent.text, /^HTTP\/1\.1 400 /m, subdir);
  }
  const status = await curl(
    'payload-type=status-api',
    'subdir=github/../../x',
    'file1=@dev-minimal.json;filename=dev-minimal.status.txt',
  );
  assert.match(status.text, /^HTTP\/1\.1 400 /m);
});

test('the status of a local run is found by the run, not by the folder of an attempt', async () => {
  const job = await shellJob({
    GITHUB_RUN_NUMBER: null,
    GITHUB_RUN_ID: null,
    SOIL_RUN: 'n',
    schema: 1,
    attempt: 2,
  });
  assert.equal((await sendJob(job, 'n', 'local-')).status, 0);
  await writeFile(join(folder, 'dev-minimal.status.txt'), '0\n');
  const sent = await curl('payload-type=status-api', 'subdir=local/n-2', 'file1=@dev-minimal.status.txt');
  assert.match(sent.text, /^HTTP\/1\.1 400 .*it ends with .*-.* and a number, like an attempt/s);
});
