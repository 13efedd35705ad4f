import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { resolveBuild } from './build-context.js';

async function repoOf(t: TestContext): Promise<string> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'soil-build-')));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const repo = join(parent, 'repo');
  await mkdir(join(repo, 'images/context'), { recursive: true });
  await mkdir(join(parent, 'home'));
  await writeFile(join(parent, 'home/secret'), 'secret');
  await writeFile(join(repo, 'images/Containerfile'), 'FROM scratch\n');
  return repo;
}

const build = (repo: string, file: string, context: string) =>
  resolveBuild(repo, { kind: 'build', file, context, timeoutSeconds: 60, flags: [] });

test('resolveBuild() returns the real paths of a file and a context in the repo', async (t) => {
  const repo = await repoOf(t);
  await symlink('images/context', join(repo, 'inner'));
  await symlink('Containerfile', join(repo, 'images/Dockerfile'));
  await writeFile(join(repo, 'images/context/.dockerignore'), '*.o\n');
  assert.deepEqual(build(repo, 'images/Dockerfile', 'inner'), {
    ok: true,
    value: { file: join(repo, 'images/Containerfile'), context: join(repo, 'images/context') },
  });
  const root = build(repo, 'images/Containerfile', '.');
  assert.ok(root.ok && `${root.value.context}/` === `${repo}/`);
});

test('M9: resolveBuild() refuses what leads out of the repo, and what is no file', async (t) => {
  const repo = await repoOf(t);
  await symlink('../home', join(repo, 'ctx'));
  await symlink('../../home/secret', join(repo, 'images/file'));
  await mkdir(join(repo, 'ignore'));
  await symlink('../../home/secret', join(repo, 'ignore/.dockerignore'));
  await writeFile(join(repo, 'piped'), 'FROM scratch\n');
  execFileSync('mkfifo', [join(repo, 'pipe'), join(repo, 'piped.containerignore')]);
  const file = 'images/Containerfile';
  for (const [result, message] of [
    [build(repo, file, 'ctx'), /^cannot use "ctx" for a build: it leads out of ".*\/repo"$/],
    [build(repo, file, 'ctx/..'), /^cannot use "ctx\/\.\." for a build: it leads out of /],
    [build(repo, 'images/file', '.'), /^cannot use "images\/file" for a build: it leads out of /],
    [build(repo, file, 'ignore'), /^cannot use "ignore\/\.dockerignore" for a build: it leads out of /],
    [build(repo, 'pipe', '.'), /^cannot use "pipe" for a build: not a regular file$/],
    [build(repo, 'piped', '.'), /^cannot use "piped\.containerignore" for a build: not a regular file$/],
    [build(repo, file, file), /^cannot use "images\/Containerfile" for a build: not a folder$/],
    [build(repo, 'none', '.'), /^cannot use "none" for a build: no such file or directory$/],
  ] as const) {
    assert.ok(!result.ok);
    assert.match(result.error, message);
  }
});
