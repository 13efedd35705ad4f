import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run, soilServer } from './command.js';
import { buildZip, regular } from './zip-builder.js';
import { mutateForm, mutateRecord, mutateTsv, mutateZip, rawForm } from './mutate.js';
import { seededRandom } from './seeded-random.js';
import { makeSite, serveConfig, type ServedSite } from './soil-server.js';
import { formOf, shellJob, tsvOf } from './upload-form.js';

/** Without its rate limit, which would refuse most of the mutants before they are read. */
const config = 'limits: { token-rate: 1000000, token-burst: 1000000 }\nprojects:\n  /: { site: site }\n';

let folder: string;
let server: ServedSite & { readonly site: string; readonly token: string };
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-fuzz-'));
  const site = join(folder, 'site');
  const token = await makeSite(site);
  await writeFile(join(folder, 'soil-server.yml'), config);
  server = { ...(await serveConfig(join(folder, 'soil-server.yml'))), site, token };
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const mutants = 10_000;
const senders = 8;
const goodEvery = 500;

interface Sent {
  readonly status: number;
  readonly text: string;
}

async function send(path: string, body: FormData | Buffer, type?: string): Promise<Sent> {
  const answer = await fetch(new URL(path, server.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}`, ...(type !== undefined && { 'Content-Type': type }) },
    body: body instanceof FormData ? body : new Uint8Array(body),
  });
  return { status: answer.status, text: await answer.text() };
}

/** A refusal may close the connection that the next request was about to use; clients send such a request again. */
async function sendAgain(path: string, body: Buffer, type: string): Promise<Sent> {
  for (let left = 3; ; left--) {
    try {
      return await send(path, body, type);
    } catch (error) {
      if (left === 0) throw new Error('no response to a mutant', { cause: error });
    }
  }
}

const page = async (path: string): Promise<string> => {
  const answer = await fetch(new URL(path, server.url));
  return `${answer.status}\n${await answer.text()}`;
};

const wwz = buildZip([
  { name: 'index.html', content: '<title>x</title>', attributes: regular },
  { name: 'logs/unit.txt', content: 'ok\n'.repeat(40), attributes: regular },
]);
const tsv = Buffer.from(tsvOf([0, 'configure'], [0, 'make'], [0, 'check']));

/** Makes mutant `number`. Each number has its own seed, so that a mutant does not depend on the order. */
function mutant(number: number): { readonly path: string; readonly type: string; readonly body: Buffer } {
  const random = seededRandom(20_260_113 + number);
  const job = `m-${number % 7}`;
  const run = String(5000 + Math.floor(number / 7));
  const record = Buffer.from(
    JSON.stringify({
      ...{
        'job-name': job,
        'commit-hash': `c0ffee${run.padStart(34, '0')}`,
        'commit-line': `Mutant ${number}`,
      },
      ...{ 'commit-date': '2026-01-13 06:58:12 -0500', 'task-run-start-time': '1768305600' },
      ...{ 'image-pull-time': 'real 12.34', JOB_URL: 'https://ci.example/1', GITHUB_PR_NUMBER: null },
      ...{ GITHUB_RUN_NUMBER: run, GITHUB_RUN_ID: `88${run}`, GITHUB_REF: 'refs/heads/mutants' },
    }),
  );
  if (number % 10 === 9) {
    const query = `eventName=start&workerHost=github&runId=88${run}&runNumber=${run}&jobName=${job}&expectedJobs=a,b`;
    const body = mutateTsv(Buffer.from(query), random);
    return { path: 'event', type: 'application/x-www-form-urlencoded', body };
  }
  const which = random.pick(['json', 'json', 'json', 'tsv', 'tsv', 'wwz', 'form', 'form', 'form']);
  const form = rawForm([
    { field: 'wwz', file: `${job}.wwz`, content: which === 'wwz' ? mutateZip(wwz, random) : wwz },
    { field: 'tsv', file: `${job}.tsv`, content: which === 'tsv' ? mutateTsv(tsv, random) : tsv },
    { field: 'json', file: `${job}.json`, content: which === 'json' ? mutateRecord(record, random) : record },
  ]);
  const { type, body } = which === 'form' ? mutateForm(form, random) : form;
  return { path: `results?jobName=${job}&workerHost=github`, type, body };
}

test('a form gets a response if one file is refused and a later one in the same chunk is truncated', async () => {
  const { type, body } = rawForm([
    { field: 'wrong', file: 'cut.tsv', content: tsv },
    { field: 'json', file: 'cut.json', content: Buffer.from('{}') },
  ]);
  const { status, text } = await send(
    'results?jobName=cut&workerHost=github',
    body.subarray(0, body.length - 10),
    type,
  );
  assert.equal(status, 400, text);
  assert.match(text, /cannot accept file field .{1,2}wrong/);
});

test('10,000 mutated records, TSVs, zips, forms and events never cause a 500 and leave all other pages correct', async () => {
  const good = await shellJob({
    ...{ GITHUB_RUN_NUMBER: '777777', GITHUB_RUN_ID: '777777000', GITHUB_REF: 'refs/heads/good' },
  });
  assert.equal((await send('results?jobName=dev-minimal&workerHost=github', formOf(good))).status, 201);
  const kept = ['json', 'tsv', 'wwz', 'wwz/'].map((suffix) => `github-jobs/777777/dev-minimal.${suffix}`);
  const pages = [
    ...kept,
    'github-jobs/777777/',
    `github-jobs/commits/09ab09ab3f6e1c52d8a4b7e90c1d2e3f40516273.html`,
  ];
  const shown = await Promise.all(pages.map(page));
  const statuses = new Map<number, number>();
  const bad: string[] = [];
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let number = next++; number < mutants; number = next++) {
      const { path, type, body } = mutant(number);
      const { status, text } = await sendAgain(path, body, type);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (![200, 201, 400, 409, 413, 415].includes(status)) bad.push(`mutant ${number}: ${status} ${text}`);
      if (number % goodEvery !== 0) continue;
      const between = await shellJob({
        GITHUB_RUN_NUMBER: String(900_000 + number),
        GITHUB_RUN_ID: `99${number}`,
      });
      const job = { ...between, json: between.json.toString().replaceAll(/09ab09ab/g, 'beefbeef') };
      const sent = await send('results?jobName=dev-minimal&workerHost=github', formOf(job));
      if (sent.status !== 201) bad.push(`a good upload after mutant ${number}: ${sent.status} ${sent.text}`);
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  assert.deepEqual(bad, [], server.log().slice(-4000));
  // Both must occur; otherwise the mutations are too strong or too weak.
  const count = (status: number): number => statuses.get(status) ?? 0;
  assert.ok(count(400) > mutants / 10 && count(201) > mutants / 20, JSON.stringify([...statuses]));
  assert.deepEqual(await Promise.all(pages.map(page)), shown);
  assert.doesNotMatch(server.log(), /unhandled|uncaught|TypeError|RangeError/i);
  assert.equal(await page('healthz'), '200\nok\n');
  const files = await readdir(server.site, { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.html') && !name.startsWith('.soil'))) {
    assert.match(await readFile(join(server.site, file), 'utf8'), /<\/html>\n?$/, file);
  }
  await server.stop();
  const checked = await run(process.execPath, [soilServer, 'check', server.site]);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});
