import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sha256 } from '../server/store/log-entry.js';
import { run, soilServer, type CommandEnd } from './command.js';
import { serveSite, startServer } from './soil-server.js';
import { formOf, shellJob, tsvOf, type JobBytes } from './upload-form.js';

let root: string;
/** Makes a site with jobs of two runs, two attempts, a status and a running job, by uploads and events. */
let good: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'soil-check-'));
  good = join(root, 'good');
  const server = await startServer();
  const post = async (path: string, job?: JobBytes): Promise<void> => {
    const answer = await fetch(new URL(path, server.url), {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.token}` },
      ...(job !== undefined && { body: formOf(job) }),
    });
    assert.ok(answer.ok, await answer.text());
  };
  for (const more of [
    {},
    { GITHUB_RUN_ATTEMPT: '2' },
    { GITHUB_RUN_NUMBER: '1235', GITHUB_RUN_ID: '98766' },
  ]) {
    for (const name of ['dev-minimal', 'cpp-small']) {
      const tsv = 'GITHUB_RUN_ATTEMPT' in more ? undefined : tsvOf([0, 'os-info'], [3, 'unit']);
      await post(
        `results?jobName=${name}&workerHost=github`,
        await shellJob({ ...more, 'job-name': name }, tsv),
      );
    }
  }
  await post(
    'event?eventName=done&workerHost=github&runId=98766&jobName=cpp-small&status=3&updateStatusApi=1',
  );
  await post('event?eventName=start&workerHost=github&runId=98767&runNumber=1236&jobName=cpp-small');
  await server.stop();
  await cp(server.site, good, { recursive: true });
  await server.close();
});
after(async () => {
  await rm(root, { recursive: true, force: true });
});

const check = (site: string, ...more: readonly string[]): Promise<CommandEnd> =>
  run(process.execPath, [soilServer, 'check', site, ...more]);

async function copyOf(name: string): Promise<string> {
  const site = join(root, name);
  await cp(good, site, { recursive: true, preserveTimestamps: true });
  return site;
}

/** Every file of the site with its digest, without the private folder. */
async function pagesOf(site: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(site.length + 1))
    .filter((path) => !path.startsWith('.soil/'))
    .sort();
  return new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, string]> => [path, sha256(await readFile(join(site, path)))]),
    ),
  );
}

const run1234 = 'github-jobs/1234';

test('check finds no problems in a site result by uploads and events', async () => {
  const end = await check(good);
  assert.equal(end.status, 0, end.stdout);
  assert.match(end.stdout, /checked 6 jobs and \d+ pages: no problems found/);
});

/** Damage to the site, the findings of check, and whether --repair repairs it. */
const harms: readonly (readonly [string, (site: string) => Promise<void>, RegExp, boolean])[] = [
  [
    'a page that was changed',
    (site) => appendFile(join(site, run1234, 'index.html'), '<p>more'),
    /1234\/index\.html: the page differs from what the records render/,
    true,
  ],
  [
    'a folder where a page belongs',
    async (site) => {
      await rm(join(site, run1234, 'index.html'));
      await mkdir(join(site, run1234, 'index.html', 'sub'), { recursive: true });
      await rm(join(site, 'github-jobs/raw.html'));
      await mkdir(join(site, 'github-jobs/raw.html'));
    },
    /1234\/index\.html: not a regular file, and a page belongs here/,
    true,
  ],
  [
    'a FIFO where a TSV belongs',
    async (site) => {
      await rm(join(site, run1234, 'cpp-small.tsv'));
      const result = await run('mkfifo', [join(site, run1234, 'cpp-small.tsv')]);
      assert.equal(result.status, 0, result.stderr);
    },
    /1234\/cpp-small\.tsv: not a regular file/,
    false,
  ],
  [
    'a page that is missing',
    (site) => rm(join(site, 'github-jobs/raw.html')),
    /github-jobs\/raw\.html: the page is missing/,
    true,
  ],
  [
    'a page that no record needs',
    (site) => writeFile(join(site, 'github-jobs/page-7.html'), 'old'),
    /page-7\.html: no page has this name/,
    true,
  ],
  [
    'what a rewrite left',
    (site) => writeFile(join(site, run1234, '.soil-new-abc-index.html'), 'half'),
    /\.soil-new-abc-index\.html: a temporary file of an interrupted write/,
    true,
  ],
  [
    'an upload that never became whole',
    (site) => writeFile(join(site, run1234, 'other.wwz'), 'PK'),
    /other\.wwz: the JSON of the job is missing/,
    true,
  ],
  [
    'a folder with nothing but what no run has',
    async (site) => {
      await mkdir(join(site, 'github-jobs/99999/below'), { recursive: true });
    },
    /github-jobs\/99999\/below: no file of a run has this name/,
    true,
  ],
  ['an empty folder', (site) => mkdir(join(site, 'github-jobs/77')), /77: the folder is empty/, true],
  [
    'a record that the log does not have',
    async (site) => {
      await mkdir(join(site, 'local-jobs/r1'), { recursive: true });
      for (const suffix of ['json', 'tsv', 'wwz'])
        await cp(
          join(site, run1234, `cpp-small.${suffix}`),
          join(site, 'local-jobs/r1', `cpp-small.${suffix}`),
        );
    },
    /local-jobs\/r1\/cpp-small\.json: the log does not have this record/,
    true,
  ],
  [
    'a torn line of the log',
    async (site) => appendFile(await logOf(site), '{"sequence":'),
    /log: the last line is torn: 12 bytes/,
    true,
  ],
  [
    'a line of the log that was changed',
    async (site) => {
      const path = await logOf(site);
      await writeFile(path, (await readFile(path, 'utf8')).replace('"time":1', '"time":2'));
    },
    /log: .*:\d+: the chain is broken/,
    true,
  ],
  [
    'a TSV that was changed',
    (site) => writeFile(join(site, run1234, 'cpp-small.tsv'), tsvOf([0, 'os-info'], [0, 'unit'])),
    /1234\/cpp-small\.tsv: the file differs from the accepted one/,
    false,
  ],
  [
    'a wwz with one bit changed',
    async (site) => {
      const path = join(site, run1234, 'cpp-small.wwz');
      const bytes = await readFile(path);
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
    /cpp-small\.wwz: the file differs from the accepted one/,
    false,
  ],
  [
    'a missing record',
    (site) => rm(join(site, 'github-jobs/1234-2/cpp-small.json')),
    /1234-2\/cpp-small\.json: the accepted file is missing/,
    false,
  ],
  [
    'a status that its record contradicts',
    async (site) => {
      const path = join(site, 'status-api/github/98766/cpp-small');
      await writeFile(
        path,
        (await readFile(path, 'utf8')).replace(/^3 /, '0 ').replace('outcome=failed', 'outcome=passed'),
      );
    },
    /status-api\/github\/98766\/cpp-small: the record contradicts this status/,
    false,
  ],
];

async function logOf(site: string): Promise<string> {
  const names = await readdir(join(site, '.soil/log'));
  return join(site, '.soil/log', names.sort().at(-1) ?? '');
}

for (const [index, [what, harm, pattern, isRepaired]] of harms.entries()) {
  test(`check finds ${what}${isRepaired ? ' and --repair repairs it' : ', which cannot be repaired'}`, async () => {
    const site = await copyOf(`harm-${index}`);
    await harm(site);
    const found = await check(site);
    assert.equal(found.status, 1, found.stdout);
    assert.match(found.stdout, pattern);
    const repaired = await check(site, '--repair');
    assert.equal(repaired.status, isRepaired ? 0 : 1, repaired.stdout);
    const again = await check(site);
    assert.equal(again.status, isRepaired ? 0 : 1, again.stdout);
    if (!isRepaired) assert.match(again.stdout, pattern);
  });
}

test('check --repair deletes nothing: conflicting files are moved aside', async () => {
  const site = await copyOf('aside');
  await writeFile(join(site, run1234, 'other.wwz'), 'only copy');
  await check(site, '--repair');
  const aside = join(site, '.soil/aside');
  const [time = ''] = await readdir(aside);
  assert.equal(await readFile(join(aside, time, run1234, 'other.wwz'), 'utf8'), 'only copy');
});

test('check refuses a site that a server holds the lock of', async () => {
  const site = await copyOf('served');
  const server = await serveSite(site);
  const end = await check(site);
  await server.stop();
  assert.equal(end.status, 2);
  assert.match(end.stderr, /cannot lock the site: process \d+ holds the lock/);
});

test('rebuild writes the same bytes from log and snapshot as from the records alone', async () => {
  const site = await copyOf('rebuilt');
  const before = await pagesOf(site);
  const rebuild = () => run(process.execPath, [soilServer, 'rebuild', site]);
  assert.match((await rebuild()).stdout, /wrote 0 files/);
  assert.deepEqual(await pagesOf(site), before);
  for (const path of before.keys()) if (path.endsWith('.html')) await rm(join(site, path));
  await rebuild();
  assert.deepEqual(await pagesOf(site), before);
  // Without the private folder only the running job, which has no record yet, is unknown.
  await rm(join(site, '.soil'), { recursive: true });
  for (const path of before.keys()) if (path.endsWith('.html')) await rm(join(site, path));
  await rebuild();
  const running = /1236|^index\.html$|github-jobs\/(index|raw)\.html/;
  const known = (pages: ReadonlyMap<string, string>) => [...pages].filter(([path]) => !running.test(path));
  assert.deepEqual(known(await pagesOf(site)), known(before));
});

test('a start from a snapshot reads only what changed, and shows the same as a start from the records', async () => {
  const site = await copyOf('snapshot');
  const before = await pagesOf(site);
  const first = await serveSite(site);
  await first.stop();
  assert.deepEqual(await pagesOf(site), before);

  // A run's folder is added and removed while no server runs.
  await cp(join(site, run1234), join(site, 'github-jobs/1200'), { recursive: true });
  const second = await serveSite(site);
  assert.match(await (await fetch(new URL('github-jobs/index.html', second.url))).text(), /Run 1200/);
  await second.stop();
  assert.equal((await check(site)).status, 0);
  await rename(join(site, 'github-jobs/1200'), join(root, 'moved-away'));
  const third = await serveSite(site);
  assert.doesNotMatch(await (await fetch(new URL('github-jobs/index.html', third.url))).text(), /Run 1200/);
  await third.stop();

  // A truncated snapshot is ignored.
  const snapshot = join(site, '.soil/snapshot.jsonl');
  const complete = await readFile(snapshot, 'utf8');
  for (const broken of [
    complete.slice(0, -20),
    complete.replace('dev-minimal', 'dev-maximal'),
    '{"schema":99}\n{}\n',
    '',
  ]) {
    await writeFile(snapshot, broken);
    const server = await serveSite(site);
    assert.match(await (await fetch(new URL(`${run1234}/`, server.url))).text(), /dev-minimal/);
    await server.stop();
  }
});
