import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { JobDetailsCache } from '../server/store/job-details-cache.js';
import { defaultLimits } from '../server/config/limits.js';
import { noChanges } from '../server/state/page-changes.js';
import { SiteState } from '../server/state/site-state.js';
import { PendingUploads } from '../server/pages/pending-uploads.js';
import { PageWriter } from '../server/pages/page-writer.js';
import { run, soilServer } from './command.js';
import { buildZip, regular } from './zip-builder.js';
import { startServer, type RunningServer } from './soil-server.js';
import { formOf, tsvOf, type JobBytes } from './upload-form.js';

let server: RunningServer;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server.close();
});

/** A job whose files all contain the same mark. */
function markedJob(run: number, name: string, mark: string): JobBytes {
  const json = JSON.stringify({
    'job-name': name,
    'commit-hash': String(run).padStart(40, 'd'),
    'commit-line': mark,
    'task-run-start-time': String(1_768_000_000 + run * 600),
    JOB_URL: 'https://ci.example/o/r/actions/runs/1',
    GITHUB_RUN_NUMBER: String(run),
    GITHUB_RUN_ID: String(700_000 + run),
  });
  const content = `<title>${mark}</title>${`<p>${mark}</p>`.repeat(2000)}`;
  const wwz = buildZip([{ name: 'index.html', content, attributes: regular }]);
  return { job: name, wwz, tsv: tsvOf([0, mark]), json };
}

async function upload(job: JobBytes): Promise<void> {
  const answer = await fetch(`${server.url}results?jobName=${job.job}&workerHost=github`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}` },
    body: formOf(job),
  });
  assert.equal(answer.status, 201, await answer.text());
}

const get = async (path: string): Promise<string> => {
  const answer = await fetch(new URL(path, server.url));
  const text = await answer.text();
  assert.equal(answer.status, 200, `${path}: ${text}`);
  return text;
};

async function rewrites(): Promise<number> {
  return Number(/^soil_rewrites_total\{[^}]*\} (\d+)$/m.exec(await get('metrics'))?.[1]);
}

const eighteen = Array.from({ length: 18 }, (_, i) => `job-${i}`);

test('18 jobs that finish together are all acknowledged and shown, with at most 18 page rewrites', async () => {
  const begin = await rewrites();
  await Promise.all(eighteen.map((name) => upload(markedJob(1, name, `together-${name}`))));
  const together = (await rewrites()) - begin;
  const page = await get('github-jobs/1/');
  for (const name of eighteen) assert.ok(page.includes(`"${name}.wwz/`) && page.includes(`>${name}<`), name);
  assert.match(await get('github-jobs/index.html'), /Run 1\b/);
  for (const name of eighteen) await upload(markedJob(2, name, `alone-${name}`));
  const alone = (await rewrites()) - begin - together;
  assert.equal(alone, 18, 'uploaded one after the other, each job has its own rewrite');
  // How many rewrites are shared depends on the disk; the next test checks the sharing.
  assert.ok(together <= 18, `${together} rewrites`);
});

test('changes that arrive during a rewrite share the next one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-coalesce-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const details = new JobDetailsCache(folder, defaultLimits).read;
  const uploads = new PendingUploads();
  const writer = new PageWriter(folder, {
    state: new SiteState('Soil'),
    details,
    uploads,
  });
  const follow = () => Array.from({ length: 18 }, () => writer.schedule(noChanges));
  const together = follow();
  // One turn later the rewrite has read its changes.
  await Promise.resolve();
  await Promise.all([...together, ...follow()]);
  assert.equal(writer.counts().rewrites, 2);
});

test('a rewrite waits for uploads that are nearly stored and shows them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-gather-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const details = new JobDetailsCache(folder, defaultLimits).read;
  const uploads = new PendingUploads();
  const writer = new PageWriter(folder, { state: new SiteState('Soil'), details, uploads });
  const shown: Promise<void>[] = [];
  await Promise.all(
    Array.from({ length: 18 }, (_, i) =>
      uploads.track(async () => {
        await nextTurn();
        if (i % 2 === 0) await nextTurn();
        shown.push(writer.schedule(noChanges));
      }),
    ),
  );
  await Promise.all(shown);
  assert.equal(writer.counts().rewrites, 1);
});

test('rebuild and check of a served site name the process that holds its lock', async () => {
  for (const command of ['serve', 'rebuild', 'check']) {
    const end = await run(process.execPath, [soilServer, command, server.site]);
    assert.equal(end.status, 2, end.stdout);
    assert.ok(end.stderr.includes(`process ${server.pid} holds the lock`), end.stderr);
  }
});

test('readers during uploads see complete files only, and no link to a file that does not exist yet', async () => {
  const first = 10;
  const last = 21;
  const sent = new AbortController();
  let pages = 0;
  let records = 0;
  const read = async (): Promise<void> => {
    while (!sent.signal.aborted) {
      for (const path of ['index.html', 'github-jobs/index.html', 'github-jobs/raw.html']) {
        assert.ok((await get(path)).endsWith('</html>\n'), path);
        pages++;
      }
      const list = await get('github-jobs/index.html');
      for (const [, run = ''] of list.matchAll(/href="(\d\d)\/(?:index\.html)?"/g)) {
        const page = await get(`github-jobs/${run}/`);
        assert.ok(page.endsWith('</html>\n'));
        for (const [, name = ''] of page.matchAll(/"(job-\d+)\.wwz\//g)) {
          const stem = `github-jobs/${run}/${name}`;
          const record = JSON.parse(await get(`${stem}.json`)) as Readonly<Record<string, string>>;
          const mark = record['commit-line'] ?? '';
          assert.match(mark, new RegExp(`^read-${run}-${name}-`));
          assert.ok((await get(`${stem}.tsv`)).includes(mark));
          assert.equal(await get(`${stem}.wwz/`), `<title>${mark}</title>${`<p>${mark}</p>`.repeat(2000)}`);
          records++;
        }
      }
    }
  };
  const readers = Promise.all([read(), read(), read()]);
  readers.catch(() => undefined);
  try {
    for (let run = first; run <= last; run++) {
      const jobs = eighteen
        .slice(0, 3)
        .map((name) => markedJob(run, name, `read-${run}-${name}-${Math.random()}`));
      await Promise.all(jobs.map(upload));
    }
  } finally {
    sent.abort();
  }
  await readers;
  assert.ok(pages > 0 && records > 0, `${pages} pages, ${records} records`);
});

test('an upload to a site with many jobs rewrites only the pages that show it', async () => {
  const pages = async (): Promise<ReadonlyMap<string, string>> => {
    const names = await readdir(server.site, { recursive: true });
    const html = names.filter((name) => name.endsWith('.html') && !name.startsWith('history/'));
    return new Map(
      await Promise.all(
        html.map(async (name): Promise<[string, string]> => {
          const { ino, mtimeMs } = await stat(join(server.site, name));
          return [name, `${ino} ${mtimeMs}`];
        }),
      ),
    );
  };
  for (let number = 100; number < 145; number++) await upload(markedJob(number, 'job-0', `many-${number}`));
  const before = await pages();
  await upload(markedJob(120, 'job-1', 'one more'));
  const after = await pages();
  // A rewritten page is a new file, renamed into place.
  const changed = [...after].filter(([name, file]) => before.get(name) !== file).map(([name]) => name);
  const commit = `github-jobs/commits/${'120'.padStart(40, 'd')}.html`;
  const list = changed.find((name) => /^github-jobs\/(index|page-\d)\.html$/.test(name)) ?? '';
  const lists = [list, list.replace('page', 'raw').replace('github-jobs/index', 'github-jobs/raw')];
  assert.deepEqual(new Set(changed), new Set(['github-jobs/120/index.html', commit, ...lists]));
  assert.ok(after.size > 50);
});
