import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { must, repoRoot } from './command.js';
import { makeRepo } from './git-repo.js';
import { startServing } from './soil-server.js';

const soilYml = `project: p
jobs:
  unit:
    image: none
    tasks:
      - { name: greet, run: 'echo hello' }
`;

describe('the published package', () => {
  let home: string;
  let files: readonly string[];
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'soil-package-'));
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', home];
    const [packed] = JSON.parse(await must('npm', pack, { cwd: repoRoot })) as [
      { readonly filename: string; readonly files: readonly { readonly path: string }[] },
    ];
    files = packed.files.map(({ path }) => path);
    const folder = join(home, 'node_modules', 'soil-ci');
    await mkdir(folder, { recursive: true });
    await must('tar', ['-xzf', join(home, packed.filename), '-C', folder, '--strip-components=1']);
    // Only its dependencies: development dependencies are missing there.
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    for (const name of Object.keys(manifest.dependencies)) {
      const target = join(home, 'node_modules', name);
      await mkdir(dirname(target), { recursive: true });
      await symlink(join(repoRoot, 'node_modules', name), target);
    }
  });
  after(() => rm(home, { recursive: true, force: true }));
  const program = (room: 'worker' | 'server'): string =>
    join(home, 'node_modules', 'soil-ci', 'dist', room, 'main.js');

  it('contains what users need, and no tests, sources or source maps', () => {
    const foreign = files.filter((path) =>
      /\.test\.|\.ts$|\.map$|^(test|bench)\/|^dist\/(test|bench)\//.test(path),
    );
    assert.deepEqual(foreign, []);
    for (const path of [
      'README.md',
      'LICENSE',
      'docs/project.md',
      'schema/soil.schema.json',
      'shims/supervisor.sh',
      'templates/run.hbs',
    ]) {
      assert.ok(files.includes(path), path);
    }
  });

  it('runs, publishes and shows a job when it is installed alone', async () => {
    const site = join(home, 'site');
    await must(process.execPath, [program('server'), 'init', '--site', site]);
    const serve = ['serve', '--site', site, '--port', '0', '--open-on-loopback'];
    const server = await startServing([process.execPath, program('server'), ...serve]);
    const repo = await makeRepo({ 'soil.yml': soilYml });
    try {
      const publish = ['run', 'unit', '--publish', '--run-id', 'r1', '--server', server.url];
      await must(process.execPath, [program('worker'), ...publish], { cwd: repo });
      for (const [path, text] of [
        ['local-jobs/r1/index.html', /greet/],
        ['local-jobs/r1/unit.wwz/index.html', /greet/],
        ['local-jobs/raw.html', /unit/],
        ['web/style.css', /\{/],
        ['web/schema/soil.schema.json', /"title"/],
      ] as const) {
        const answer = await fetch(new URL(path, server.url));
        assert.equal(answer.status, 200, path);
        assert.match(await answer.text(), text, path);
      }
    } finally {
      await server.stop();
      await rm(repo, { recursive: true, force: true });
    }
  });
});
