import assert from 'node:assert/strict';
import { chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { must, repoRoot, run, soilServer } from './command.js';
import { openEngine } from './engines.js';
import { startServing } from './soil-server.js';
import { formOf, shellJob } from './upload-form.js';

/** Makes an image with this machine's Node and the libraries that it needs. */
async function nodeTar(folder: string): Promise<string> {
  const root = join(folder, 'root');
  const libraries = [...(await must('ldd', [process.execPath])).matchAll(/(\/\S+) \(0x/g)].map(
    ([, file = '']) => file,
  );
  for (const file of libraries) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await cp(file, join(root, file), { dereference: true });
  }
  await mkdir(join(root, 'usr', 'bin'), { recursive: true });
  await cp(process.execPath, join(root, 'usr', 'bin', 'node'), { dereference: true });
  for (const name of ['tmp', 'etc', 'proc', 'dev', 'sys']) await mkdir(join(root, name), { recursive: true });
  const tar = join(folder, 'node.tar');
  await must('tar', ['-C', root, '--owner=0', '--group=0', '-cf', tar, '.']);
  return tar;
}

test('shims/Containerfile makes a server that accepts uploads and stops gracefully', async (t) => {
  const engine = await openEngine('podman');
  const folder = await mkdtemp(join(tmpdir(), 'soil-server-image-'));
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });
  const podman = (...args: readonly string[]) => must('podman', args, { env: engine.environment });
  const base = 'localhost/soil-test-node';
  await podman('import', '--change', 'ENV PATH=/usr/bin', await nodeTar(folder), base);
  const context = join(folder, 'context');
  await mkdir(context);
  for (const name of ['package.json', 'package-lock.json', 'LICENSE'])
    await cp(join(repoRoot, name), join(context, name));
  for (const name of ['dist', 'templates', 'schema', 'node_modules']) {
    await cp(join(repoRoot, name), join(context, name), { recursive: true, verbatimSymlinks: true });
  }
  await must('npm', ['prune', '--omit=dev', '--offline', '--no-audit', '--no-fund'], { cwd: context });
  const file = join(repoRoot, 'shims', 'Containerfile');
  await podman(
    'build',
    '--quiet',
    '--build-arg',
    `BASE=${base}`,
    '--file',
    file,
    '--tag',
    'soil-server',
    context,
  );

  const site = join(folder, 'site');
  await must(process.execPath, [soilServer, 'init', '--site', site]);
  const created = await must(process.execPath, [
    ...[soilServer, 'token', 'create', '--site', site, '--id', 'ci', '--actions', 'append'],
  ]);
  const token = created.trim().split('\n').at(-1) ?? '';
  await must('chown', ['-R', '10001:10001', site]);
  await chown(folder, 10001, 10001);
  const server = await startServing(
    [
      ...['podman', 'run', '--rm', '--name', 'soil-server-test', '--network=host'],
      ...['--volume', `${site}:/srv/soil`, 'soil-server', 'serve', '--site', '/srv/soil', '--port', '0'],
    ],
    engine.environment,
  );
  const { url } = server;
  const answer = await fetch(new URL('results?jobName=dev-minimal&workerHost=github', url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: formOf(await shellJob()),
  });
  assert.equal(answer.status, 201, await answer.text());
  assert.match(await (await fetch(new URL('github-jobs/1234/', url))).text(), /dev-minimal/);
  await podman('stop', '--time', '20', 'soil-server-test');
  assert.equal(await server.ended, 0, server.log());
  const checked = await run(process.execPath, [soilServer, 'check', site]);
  assert.equal(checked.status, 0, checked.stdout);
});
