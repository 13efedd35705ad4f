import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run, soilServer } from './command.js';
import { shellJob, tsvOf, writeJobFiles } from './upload-form.js';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'soil-rebuild-'));
});
after(async () => {
  await rm(root, { recursive: true, force: true });
});

const rebuild = (site: string) => run(process.execPath, [soilServer, 'rebuild', site]);
const page = (site: string, path: string): Promise<string> => readFile(join(site, path), 'utf8');

/** Makes a folder like that of Soil's shell server: run 1000 is valid, and `damage` damages the job of run 998. */
async function oldSite(name: string, damage: (folder: string) => Promise<void>): Promise<string> {
  const site = join(root, name);
  for (const number of ['998', '1000']) {
    const folder = join(site, 'github-jobs', number);
    await mkdir(folder, { recursive: true });
    const ids = { GITHUB_RUN_NUMBER: number, GITHUB_RUN_ID: `${number}7` };
    await writeJobFiles(folder, await shellJob(ids));
    await writeJobFiles(
      folder,
      await shellJob({ ...ids, 'job-name': 'cpp-small' }, tsvOf([0, 'a'], [4, 'b'])),
    );
  }
  await damage(join(site, 'github-jobs', '998'));
  return site;
}

const damages: [string, RegExp, (folder: string) => Promise<void>][] = [
  [
    'a truncated JSON',
    /998\/dev-minimal\.json: cannot read the record/,
    async (folder) => {
      const path = join(folder, 'dev-minimal.json');
      await writeFile(path, (await readFile(path)).subarray(0, 80));
    },
  ],
  [
    'a short TSV row',
    /998\/dev-minimal\.tsv:2: it has 3 columns/,
    (folder) => writeFile(join(folder, 'dev-minimal.tsv'), '0\t1\tok\ta\tb\t-\n0\t1\tshort\n'),
  ],
  ['a missing TSV', /cannot read the TSV: no such file/, (folder) => rm(join(folder, 'dev-minimal.tsv'))],
  [
    'bytes that are not UTF-8',
    /not valid UTF-8/,
    (folder) => writeFile(join(folder, 'dev-minimal.json'), Buffer.from([0x7b, 0xe9, 0x7d])),
  ],
  ['an empty JSON', /998\/dev-minimal\.json/, (folder) => writeFile(join(folder, 'dev-minimal.json'), '')],
  [
    'a JSON that is not an object',
    /998\/dev-minimal\.json/,
    (folder) => writeFile(join(folder, 'dev-minimal.json'), '[1]'),
  ],
];

for (const [index, [what, pattern, damage]] of damages.entries()) {
  test(`rebuild writes all other pages despite ${what}`, async () => {
    const site = await oldSite(`damaged-${index}`, damage);
    const end = await rebuild(site);
    assert.equal(end.status, 0, end.stderr);
    assert.match(end.stderr, pattern);
    const list = await page(site, 'github-jobs/index.html');
    assert.match(list, /Run 1000/);
    assert.match(list, /Run 998/);
    assert.match(await page(site, 'github-jobs/1000/index.html'), /Größe/);
    const bad = await page(site, 'github-jobs/998/index.html');
    assert.match(bad, />dev-minimal</);
    assert.match(bad, /class="mark error"/);
    const names = await readdir(site, { recursive: true });
    assert.deepEqual(
      names.filter((name) => name.includes('.soil-new-')),
      [],
    );
  });
}

for (const [what, pattern, damage] of [
  ['is missing', /its wwz is missing/, (wwz: string) => rm(wwz)],
  [
    'is cut off',
    /its wwz is damaged: /,
    async (wwz: string) => writeFile(wwz, (await readFile(wwz)).subarray(0, -9)),
  ],
  ['is not a zip', /its wwz is damaged: /, (wwz: string) => writeFile(wwz, 'a wwz')],
  ['is empty', /its wwz is damaged: /, (wwz: string) => writeFile(wwz, '')],
] as const) {
  test(`a job whose wwz ${what} passed, and its page and check say what is wrong with the wwz`, async () => {
    const site = await oldSite(`wwz ${what}`, (folder) => damage(join(folder, 'dev-minimal.wwz')));
    await rebuild(site);
    const text = await page(site, 'github-jobs/998/index.html');
    assert.match(text, pattern);
    assert.match(text, /class="job passed" id="job-dev-minimal"/);
    assert.doesNotMatch(await page(site, 'github-jobs/1000/index.html'), pattern);
    const checked = await run(process.execPath, [soilServer, 'check', site]);
    assert.equal(checked.status, 1, checked.stdout);
    assert.match(checked.stdout + checked.stderr, /github-jobs\/998\/dev-minimal\.wwz/);
  });
}

test('rebuild shows a non-ASCII subject and a run without a number', async () => {
  const site = join(root, 'nulls');
  const folder = join(site, 'github-jobs', '7');
  await mkdir(folder, { recursive: true });
  await writeJobFiles(
    folder,
    await shellJob({ GITHUB_RUN_NUMBER: null, GITHUB_RUN_ID: null, 'commit-line': 'שלום 日本' }),
  );
  const end = await rebuild(site);
  assert.equal(end.status, 0);
  assert.equal(end.stderr, '');
  assert.match(await page(site, 'github-jobs/7/index.html'), /שלום 日本/);
});

test('rebuild shows a job with an empty TSV as empty, not passed', async () => {
  const site = await oldSite('empty-tsv', (folder) => writeFile(join(folder, 'dev-minimal.tsv'), ''));
  await rebuild(site);
  const text = await page(site, 'github-jobs/998/index.html');
  assert.match(text, /class="mark empty"/);
});

test('rebuild lists runs in numeric order', async () => {
  const site = await oldSite('run-order', () => Promise.resolve());
  await rebuild(site);
  const list = await page(site, 'github-jobs/index.html');
  assert.ok(list.indexOf('Run 1000') < list.indexOf('Run 998'));
});

test('rebuild from the records alone writes the same bytes, and a second one writes nothing', async () => {
  const site = await oldSite('again', () => Promise.resolve());
  await rebuild(site);
  const copy = join(root, 'copy');
  await mkdir(copy);
  for (const number of ['998', '1000']) {
    const [from, to] = [join(site, 'github-jobs', number), join(copy, 'github-jobs', number)];
    await cp(from, to, { recursive: true });
    await rm(join(to, 'index.html'));
  }
  await rebuild(copy);
  const pages = (await readdir(site, { recursive: true })).filter((name) => name.endsWith('.html'));
  assert.ok(pages.length >= 8);
  for (const name of pages) assert.equal(await page(copy, name), await page(site, name), name);
  assert.match((await rebuild(site)).stdout, /read 2 runs and 4 jobs \(0 problems\); wrote 0 files/);
});

test('rebuild removes the leftovers of an interrupted writer', async () => {
  const site = await oldSite('leftovers', () => Promise.resolve());
  await rebuild(site);
  await writeFile(join(site, 'github-jobs', '.soil-new-abc-index.html'), 'half');
  await mkdir(join(site, '.soil', 'staging', 'dead'));
  await writeFile(join(site, '.soil', 'lock.7'), '1 1 another-boot');
  await writeFile(join(site, 'github-jobs', 'page-9.html'), 'stale');
  const [logName = ''] = await readdir(join(site, '.soil', 'log'));
  const log = await page(site, `.soil/log/${logName}`);
  await writeFile(join(site, '.soil', 'log', logName), `${log}{"sequence":5,"previous":"ab`);
  const end = await rebuild(site);
  assert.equal(end.status, 0, end.stderr);
  assert.deepEqual((await readdir(join(site, 'github-jobs'))).sort(), [
    '1000',
    '998',
    'commits',
    'index.html',
    'raw.html',
  ]);
  assert.deepEqual(await readdir(join(site, '.soil', 'staging')), []);
  assert.equal(await page(site, `.soil/log/${logName}`), log);
});

test('only its owner can read the private folder', async () => {
  const site = await oldSite('private', () => Promise.resolve());
  await rebuild(site);
  assert.equal((await stat(join(site, '.soil'))).mode & 0o777, 0o700);
  await chmod(join(site, '.soil'), 0o755);
  await rebuild(site);
  assert.equal((await stat(join(site, '.soil'))).mode & 0o777, 0o700);
});

test('soil-server reports invalid arguments', async () => {
  const cases: [readonly string[], RegExp][] = [
    [['rebuild'], /no site folder given: pass --site DIR/],
    [['rebuild', 'a', '--site', 'b'], /two site folders given/],
    [['serve', '--site', root, '--port', '99999'], /cannot accept port "99999"/],
    [['token', 'create', '--site', root, '--id', 'X', '--actions', 'append'], /cannot accept id "X"/],
    [
      ['token', 'create', '--site', root, '--id', 'x', '--actions', 'delete'],
      /cannot accept action "delete"/,
    ],
    [['token', 'list', '--site', root], /not a site\. To create one: soil-server init/],
    [['dance'], /unknown command/],
  ];
  for (const [args, pattern] of cases) {
    const end = await run(process.execPath, [soilServer, ...args]);
    assert.equal(end.status, 2, args.join(' '));
    assert.match(end.stderr, pattern);
  }
});
