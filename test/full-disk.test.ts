import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { soilServer } from './command.js';
import { waitUntil } from './wait-for.js';
import { openSmallDisk, type SmallDisk } from './small-disk.js';
import { makeSite, startServing, type ServedSite } from './soil-server.js';
import { commit, formOf, shellJob } from './upload-form.js';

interface Answered {
  readonly status: number;
  readonly error: string;
}

const client = (server: ServedSite, token: string) => {
  const ask = async (path: string, init: RequestInit = {}): Promise<Answered> => {
    const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json' };
    const response = await fetch(new URL(path, server.url), { headers, ...init });
    const text = await response.text();
    const error = text.startsWith('{') ? ((JSON.parse(text) as { error?: string }).error ?? '') : text;
    return { status: response.status, error };
  };
  return {
    ask,
    upload: async (run: string): Promise<Answered> => {
      const job = await shellJob({ GITHUB_RUN_NUMBER: run, GITHUB_RUN_ID: `${run}99` });
      return ask('results?jobName=dev-minimal&workerHost=github', { method: 'POST', body: formOf(job) });
    },
    publish: (name: string, bytes: number): Promise<Answered> =>
      ask(`artifacts/github/${commit}/${name}`, { method: 'PUT', body: randomBytes(bytes) }),
    /** does not declare its size, so that only the disk itself can refuse it */
    publishChunked: (name: string, bytes: number): Promise<Answered> => {
      const chunks = Array.from({ length: Math.ceil(bytes / 16_384) }, () => randomBytes(16_384));
      const body = new ReadableStream({
        pull: (controller) => {
          const chunk = chunks.pop();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
      });
      return ask(`artifacts/github/${commit}/${name}`, {
        method: 'PUT',
        body,
        duplex: 'half',
      });
    },
    done: (run: string): Promise<Answered> => {
      const fields = { eventName: 'done', workerHost: 'github', runId: `${run}99`, jobName: 'dev-minimal' };
      const query = new URLSearchParams({ ...fields, updateStatusApi: '1', status: '0' });
      return ask(`event?${query.toString()}`, { method: 'POST' });
    },
  };
};

/** Asserts that the site is complete: no partial files, and no findings of check after the server ended. */
async function assertComplete(t: TestContext, disk: SmallDisk): Promise<void> {
  assert.deepEqual(await readdir(join(disk.outside, '.soil', 'staging')), []);
  const checked = await disk.inside(process.execPath, soilServer, 'check', disk.site);
  t.diagnostic(checked.trim());
}

/** Polls /readyz until it answers `status`: it tests the disk at most once in 5 seconds. */
async function waitForReady(ask: (path: string) => Promise<Answered>, status: number): Promise<Answered> {
  let answer = await ask('readyz');
  await waitUntil(`/readyz answers ${status}`, async () => {
    if (answer.status !== status) answer = await ask('readyz');
    return answer.status === status;
  });
  return answer;
}

test('on a full disk, uploads get 507, the site stays complete, and small requests still succeed', async (t) => {
  const disk = await openSmallDisk('size=4m');
  t.after(() => disk.close());
  const server = await disk.serve();
  try {
    const { ask, upload, publish, publishChunked, done } = client(server, disk.token);
    assert.equal((await upload('1')).status, 201);
    const tooLarge = await publish('large', 6_000_000);
    assert.equal(tooLarge.status, 507);
    assert.match(
      tooLarge.error,
      /cannot store 6\.0 MB: the disk of the site has \d\.\d MB left, of which 1\.0 MB/,
    );
    const chunked = await publishChunked('chunked', 6_000_000);
    assert.equal(chunked.status, 507);
    assert.match(chunked.error, /the disk of the site is full \(ENOSPC\)/);
    while ((await publish(`fill-${randomBytes(4).toString('hex')}`, 300_000)).status === 201);
    assert.equal((await publish('one-more', 1_000_000)).status, 507);
    // The reserve exists for this.
    assert.equal((await done('1')).status, 200);
    assert.equal((await ask('github-jobs/1/')).status, 200);
    assert.match((await ask('status-api/github/199/dev-minimal')).error, /^0 /);
    await waitForReady(ask, 200);
    assert.doesNotMatch(server.log(), /Unhandled|at file:.*TypeError/);
  } finally {
    await server.stop();
  }
  await assertComplete(t, disk);
});

test('on a disk without free inodes, uploads get 507; they succeed once there are some', async (t) => {
  const disk = await openSmallDisk('size=16m,nr_inodes=120');
  t.after(() => disk.close());
  const server = await disk.serve();
  try {
    const { ask, upload, done } = client(server, disk.token);
    assert.equal((await upload('1')).status, 201);
    const filler = `i=0; while touch ${disk.site}/.filler-$i; do i=$((i+1)); done 2>/dev/null; true`;
    await disk.inside('sh', '-c', filler);
    const refused = await upload('2');
    assert.equal(refused.status, 507);
    assert.match(refused.error, /disk of the site is full \(ENOSPC\)/);
    const sick = await waitForReady(ask, 503);
    assert.equal(sick.status, 503);
    assert.match(sick.error, /cannot write to the site of project "\/": ENOSPC/);
    assert.equal((await ask('github-jobs/1/')).status, 200);
    await disk.inside('sh', '-c', `rm -f ${disk.site}/.filler-*`);
    await waitForReady(ask, 200);
    assert.equal((await upload('2')).status, 201);
    assert.equal((await done('2')).status, 200);
  } finally {
    await server.stop();
  }
  await assertComplete(t, disk);
});

test('on a read-only file system, uploads get 503 and pages are served; once it is writable, uploads succeed', async (t) => {
  const disk = await openSmallDisk('size=16m');
  t.after(() => disk.close());
  const server = await disk.serve();
  try {
    const { ask, upload } = client(server, disk.token);
    assert.equal((await upload('1')).status, 201);
    // A real remount is refused, since the log is open for writing. A read-only bind mount over the folder refuses
    // new writes, like the kernel after a disk error.
    await disk.inside('mount', '--bind', disk.site, disk.site);
    await disk.inside('mount', '-o', 'remount,bind,ro', disk.site);
    const refused = await upload('2');
    assert.equal(refused.status, 503);
    assert.match(refused.error, /file system of the site is read-only \(EROFS\)/);
    const sick = await waitForReady(ask, 503);
    assert.deepEqual([sick.status, sick.error.includes('EROFS')], [503, true]);
    assert.equal((await ask('github-jobs/1/')).status, 200);
    assert.match((await ask('metrics')).error, /soil_requests_total/);
    await disk.inside('umount', disk.site);
    assert.equal((await upload('2')).status, 201);
  } finally {
    await server.stop();
  }
  await assertComplete(t, disk);
});

test('uploads to a site that the server cannot write get 500 with the reason', async (t) => {
  const disk = await openSmallDisk('size=16m');
  t.after(() => disk.close());
  // Root ignores permissions; without its capabilities it is an ordinary owner.
  const server = await disk.serve(['setpriv', '--bounding-set=-all', '--inh-caps=-all']);
  try {
    const { ask, upload } = client(server, disk.token);
    assert.equal((await upload('1')).status, 201);
    await disk.inside('chmod', '500', `${disk.site}/.soil/staging`);
    const refused = await upload('2');
    assert.equal(refused.status, 500);
    assert.match(refused.error, /the server has no permission to write to the site \(EACCES\)/);
    await waitForReady(ask, 503);
    assert.equal((await ask('github-jobs/1/')).status, 200);
    await disk.inside('chmod', '700', `${disk.site}/.soil/staging`);
    assert.equal((await upload('2')).status, 201);
  } finally {
    await server.stop();
  }
  await assertComplete(t, disk);
});

test('a disk error and an exceeded disk quota get different responses', async (t) => {
  for (const [code, status, sentence] of [
    ['EIO', 500, /I\/O error on the disk of the site \(EIO\)/],
    ['EDQUOT', 507, /the server's user has exceeded its disk quota \(EDQUOT\)/],
  ] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'soil-fault-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const site = join(folder, 'site');
    const token = await makeSite(site);
    // strace injects the error from the third fsync on, when the server has started. It counts per thread, so that
    // only one thread may sync.
    const strace = ['strace', '-D', '-f', '-qq', '-o', join(folder, 'trace'), '-e', 'trace=fsync'];
    const inject = ['-e', `inject=fsync:error=${code}:when=3+`];
    const server = await startServing([
      ...['env', 'UV_THREADPOOL_SIZE=1', ...strace, ...inject],
      ...[process.execPath, soilServer, 'serve', '--site', site, '--port', '0'],
    ]);
    t.after(() => server.stop('SIGKILL'));
    const { upload, ask } = client(server, token);
    let refused = await upload('1');
    for (let run = 2; refused.status === 201 && run < 6; run++) refused = await upload(String(run));
    assert.equal(refused.status, status, refused.error);
    assert.match(refused.error, sentence);
    await waitForReady(ask, 503);
    assert.equal((await ask('')).status, 200);
    assert.match(await readFile(join(folder, 'trace'), 'utf8'), new RegExp(`${code}.*INJECTED`));
  }
});
