import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBrowser } from './browser.js';
import { must, worker, type CommandEnd } from './command.js';
import { debianTar, fetchSource } from './debian.js';
import { openEngine } from './engines.js';
import { startServer } from './soil-server.js';

const soilYml = `
project: hello
jobs:
  autotools:
    image: localhost/soil-test-gcc
    pull: never
    network: none
    timeout: 5m
    tasks:
      - name: os-info
        run: uname -a; cat /etc/os-release; gcc --version
      - name: configure
        run: ./configure --prefix=/tmp/hello
      - name: make
        run: make -j2
      - name: check
        run: make check
        results: ['tests/*.log', test-suite.log]
        result-html: test-suite.log
      - name: greet
        run: make install && /tmp/hello/bin/hello --greeting='Guten Tag, Erde'
merge:
  from: soil-staging
  to: main
  require: all
`;

test('GNU hello is built and checked in a container, published, shown in Chromium and merged by the gate', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soil-hello-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const engine = await openEngine('podman');
  t.after(() => engine.close());
  await must(
    'podman',
    ['import', await debianTar(['gcc', 'help2man', 'libc6-dev', 'make']), 'localhost/soil-test-gcc'],
    {
      env: engine.environment,
    },
  );

  const repo = join(folder, 'hello');
  const remote = join(folder, 'remote.git');
  const git = (...args: string[]) => must('git', ['-C', repo, ...args]);
  const archive = await fetchSource('hello', folder);
  await must('mkdir', [repo]);
  await must('tar', ['-xf', archive, '-C', repo, '--strip-components=1']);
  await must('git', ['init', '-q', '--bare', '-b', 'main', remote]);
  await must('git', ['init', '-q', '-b', 'main', repo]);
  await git('config', 'user.name', 'Test');
  await git('config', 'user.email', 'test@example.org');
  await writeFile(join(repo, 'soil.yml'), soilYml);
  await git('add', '--force', '.');
  await git('commit', '-q', '-m', 'GNU hello as Debian has it');
  await git('push', '-q', remote, 'main');
  const before = (await git('rev-parse', 'main')).trim();
  await git('checkout', '-q', '-b', 'soil-staging');
  await appendFile(join(repo, 'NEWS'), '\nTested with Soil.\n');
  await git('commit', '-q', '-a', '-m', 'Größe zählt: news');
  await git('push', '-q', remote, 'soil-staging');
  const candidate = (await git('rev-parse', 'HEAD')).trim();

  const server = await startServer();
  t.after(() => server.close());
  const env = { ...engine.environment, SOIL_TOKEN: server.token };
  const soil = (...args: string[]): Promise<CommandEnd> =>
    worker([...args, '--run-id', 'hello1', '--server', server.url], { cwd: repo, env, timeoutSeconds: 500 });
  const tip = async () => (await must('git', ['--git-dir', remote, 'rev-parse', 'main'])).trim();

  const early = await soil(
    'maybe-merge',
    '--remote',
    remote,
    '--commit',
    candidate,
    '--branch',
    'soil-staging',
  );
  assert.equal(early.status, 1, 'the gate does not merge before the job ran');
  assert.match(early.stdout + early.stderr, /autotools/);
  assert.equal(await tip(), before);

  const ran = await soil('run', 'autotools', '--publish');
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);

  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.locator('a[href*="local-jobs"]').first().click();
  await page.locator('a[href*="hello1"]').first().click();
  assert.equal(new URL(page.url()).pathname.replace(/index\.html$/, ''), '/local-jobs/hello1/');
  const text = await page.locator('body').innerText();
  for (const word of [
    'autotools',
    'configure',
    'check',
    'greet',
    candidate.slice(0, 7),
    'Größe zählt: news',
  ]) {
    assert.ok(text.includes(word), `the run page shows ${word}`);
  }
  await page.locator('a[href$="_soil/logs/greet.txt"]').first().click();
  assert.match(await page.locator('body').innerText(), /Guten Tag, Erde/);
  await page.goto(`${server.url}local-jobs/hello1/autotools.wwz/`);
  await page.locator('a[href="test-suite.log"]').first().click();
  assert.match(await page.locator('body').innerText(), /# PASS: +[1-9]/);
  await page.goto(`${server.url}local-jobs/commits/${candidate}.html`);
  assert.match(await page.locator('body').innerText(), /autotools/);

  const merged = await soil('maybe-merge', '--remote', remote);
  assert.equal(merged.status, 0, merged.stdout + merged.stderr);
  assert.equal(await tip(), candidate);
  const again = await soil('maybe-merge', '--remote', remote);
  assert.equal(again.status, 0, 'a second merge changes nothing');
});
