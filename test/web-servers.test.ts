import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, repoRoot, worker } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServer, type RunningServer } from './soil-server.js';
import {
  replacePort,
  startConfigured,
  startWebServer,
  webServers,
  type WebServerName,
} from './web-server.js';

const soilYml = `project: p
jobs:
  unit:
    image: none
    tasks:
      - name: greet
        run: |
          mkdir -p '_out/a b'
          echo grüße >'_out/a b/50% #1.txt'
          echo '<script>1</script>' >_out/report.html
        results: _out/
`;

const commit = '0'.repeat(40);
const foreign = 'sandbox allow-scripts allow-popups allow-forms allow-downloads';
const entry = `local-jobs/r1/unit.wwz/_out/${['a b', '50% #1.txt'].map(encodeURIComponent).join('/')}`;

describe('web servers with the snippets in shims/web-servers', () => {
  let soil: RunningServer;
  let repo: string;
  before(async () => {
    soil = await startServer();
    repo = await makeRepo({ 'soil.yml': soilYml, '.gitignore': '_out/\n' });
    const env = {
      SOIL_SERVER: soil.url,
      SOIL_TOKEN: soil.token,
      GITHUB_ACTIONS: undefined,
      JOB_ID: undefined,
    };
    const end = await worker(['run', 'unit', '--publish', '--run-id', 'r1'], { cwd: repo, env });
    assert.equal(end.status, 0, end.stdout + end.stderr);
    await writeFile(join(soil.site, '.hidden'), 'secret\n');
    const artifacts = join(soil.site, 'local-jobs', 'commits', commit);
    await mkdir(artifacts, { recursive: true });
    await writeFile(join(artifacts, 'report.html'), '<script>1</script>');
    await mkdir(join(soil.site, 'branches', 'main'), { recursive: true });
    await writeFile(join(soil.site, 'branches', 'main', 'feed.atom'), '<feed/>');
    await mkdir(join(soil.site, 'status-api', 'local', 'r1'), { recursive: true });
    await writeFile(join(soil.site, 'status-api', 'local', 'r1', 'unit'), 'a line\n');
  });
  after(async () => {
    await soil.close();
    await rm(repo, { recursive: true, force: true });
  });

  /** Starts a server with the snippet; `ask` requests a path as a link has it. */
  async function withServer(
    name: WebServerName,
    isProxy: boolean,
    work: (ask: (path: string) => Promise<Response>) => Promise<void>,
  ): Promise<void> {
    const server = await startWebServer(name, { site: soil.site, ...(isProxy && { soilServer: soil.url }) });
    try {
      await work((path) => fetch(new URL(path, server.url), { redirect: 'manual' }));
    } finally {
      await server.close();
    }
  }

  for (const name of webServers) {
    it(`${name} alone serves pages, records and artifacts like soil-server, and nothing private`, async () => {
      await withServer(name, false, async (ask) => {
        assert.match(await (await ask('local-jobs/r1/')).text(), /greet/);
        for (const path of [
          '',
          'local-jobs/r1/',
          'local-jobs/r1/unit.tsv',
          'local-jobs/r1/unit.json',
          'local-jobs/r1/unit.wwz',
          'status-api/local/r1/unit',
          'web/style.css',
          'web/icon.svg',
          'branches/main/feed.atom',
          `local-jobs/commits/${commit}/report.html`,
        ]) {
          const [there, ours] = [await ask(path), await fetch(new URL(path, soil.url))];
          assert.equal(there.status, 200, path);
          assert.equal(await there.text(), await ours.text(), path);
          assert.equal(typeOf(there), typeOf(ours), path);
          for (const header of [
            'content-security-policy',
            'x-content-type-options',
            'referrer-policy',
            'cache-control',
          ])
            assert.equal(there.headers.get(header), ours.headers.get(header), `${header} of ${path}`);
        }
        for (const path of ['.hidden', '.soil/tokens.json', 'local-jobs/.x', entry])
          assert.ok([403, 404].includes((await ask(path)).status), path);
      });
    });

    it(`${name} in front of a soil-server serves any file in a wwz with soil-server’s headers`, async () => {
      await withServer(name, true, async (ask) => {
        for (const path of ['local-jobs/r1/unit.wwz/', entry, 'local-jobs/r1/unit.wwz/_out/report.html']) {
          const [there, ours] = [await ask(path), await fetch(new URL(path, soil.url))];
          assert.equal(there.status, 200, path);
          assert.equal(await there.text(), await ours.text(), path);
          assert.equal(there.headers.get('content-security-policy'), foreign, path);
          assert.equal(there.headers.get('x-content-type-options'), 'nosniff', path);
        }
        assert.equal(await (await ask(entry)).text(), 'grüße\n');
        const folder = await ask('local-jobs/r1/unit.wwz/_out');
        assert.equal(folder.status, 301);
        assert.equal(
          new URL(folder.headers.get('location') ?? '', folder.url).pathname,
          '/local-jobs/r1/unit.wwz/_out/',
        );
        assert.equal((await ask('local-jobs/r1/unit.wwz/nothing')).status, 404);
        assert.equal((await ask('.soil/unit.wwz/x')).status >= 400, true);
        assert.match(await (await ask('local-jobs/r1/')).text(), /greet/);
      });
    });
  }

  it('nginx as a reverse proxy, configured as in docs/server.md, accepts large uploads', async () => {
    const manual = await readFile(join(repoRoot, 'docs', 'server.md'), 'utf8');
    const block = /```nginx\n([^`]*)```/.exec(manual)?.[1] ?? '';
    const nginx = await startConfigured('nginx', `server {\nlisten 80;\n${replacePort(soil.url, block)}}\n`);
    try {
      const content = randomBytes(3 * 2 ** 20).toString('base64');
      const large = await makeRepo({ 'soil.yml': soilYml, '.gitignore': '_out/\n', 'random.txt': content });
      await must('sed', ['-i', 's/mkdir -p/cat random.txt; &/', join(large, 'soil.yml')]);
      const env = {
        SOIL_SERVER: nginx.url,
        SOIL_TOKEN: soil.token,
        GITHUB_ACTIONS: undefined,
        JOB_ID: undefined,
      };
      const end = await worker(['run', 'unit', '--publish', '--run-id', 'r2'], { cwd: large, env });
      assert.equal(end.status, 0, end.stdout + end.stderr);
      assert.ok((await stat(join(soil.site, 'local-jobs', 'r2', 'unit.wwz'))).size > 2 ** 20);
      const log = await fetch(new URL('local-jobs/r2/unit.wwz/_soil/logs/greet.txt', nginx.url));
      assert.ok((await log.text()).trim() === content, 'the log is the output of the task');
      await rm(large, { recursive: true, force: true });
    } finally {
      await nginx.close();
    }
  });
});

/** Normalizes a content type: lower case, without blanks. */
const typeOf = (response: Response): string =>
  (response.headers.get('content-type') ?? '').toLowerCase().replaceAll(' ', '');
