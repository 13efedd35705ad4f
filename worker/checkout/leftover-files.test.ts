import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { must } from '../../test/command.js';
import { makeRepo } from '../../test/git-repo.js';
import { valueOf } from '../../model/result.js';
import { leftoverListPath, removeLeftovers, snapshotUntracked, writeLeftoverList } from './leftover-files.js';

const environment = process.env;

test('removeLeftovers() prints and removes what a job created, and nothing else', async (t) => {
  const repo = await makeRepo({ 'a.txt': 'a', '.gitignore': '*.o\n' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  await writeFile(join(repo, 'mine.txt'), 'mine');
  await writeFile(join(repo, 'mine.o'), 'mine');
  const before = await snapshotUntracked({ repo, environment });
  assert.deepEqual([...(before?.untracked ?? [])].sort(), ['mine.o', 'mine.txt']);

  await mkdir(join(repo, 'build/größe'), { recursive: true });
  await mkdir(join(repo, '_soil/job'), { recursive: true });
  await writeFile(join(repo, '_soil/job/job.json'), '{}');
  for (const name of ['build/größe/x.o', 'build/y.txt', 'touched.txt', 'a.txt', 'odd\nname.o']) {
    await writeFile(join(repo, name), 'made');
  }
  await must('git', ['init', '-q', join(repo, 'clone')]);
  await must('git', [
    '-C',
    join(repo, 'clone'),
    '-c',
    'user.name=x',
    '-c',
    'user.email=x',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'x',
  ]);
  assert.ok(before !== undefined);
  await writeLeftoverList({ repo, environment }, before);
  // A second job writes one of them again.
  const second = await snapshotUntracked({ repo, environment });
  assert.ok(second !== undefined);
  await writeFile(join(repo, 'build/y.txt'), 'made again');
  await writeLeftoverList({ repo, environment }, second);
  await writeFile(join(repo, 'touched.txt'), 'by a person');
  await writeFile(join(repo, 'later.txt'), 'by a person');

  const lines: string[] = [];
  const removed = await removeLeftovers({ repo, environment }, (line) => lines.push(line));
  assert.ok(removed.ok && removed.value === 4, lines.join('\n'));
  assert.deepEqual(
    lines.sort(),
    [
      '  "build/größe/x.o"',
      '  "build/y.txt"',
      '  "clone/"',
      '  "odd\\nname.o"',
      'keeping "touched.txt": it was changed after the job that created it',
      'removing 4 untracked paths that earlier jobs created:',
    ].sort(),
  );
  assert.deepEqual((await readdir(repo)).sort(), [
    ...['.git', '.gitignore', '_soil', 'a.txt', 'later.txt', 'mine.o', 'mine.txt', 'touched.txt'],
  ]);
  const again = await removeLeftovers({ repo, environment }, (line) => lines.push(line));
  assert.ok(again.ok && again.value === 0);
});

test('removeLeftovers() removes empty folders that a job created, and no others', async (t) => {
  const repo = await makeRepo({ 'kept/a.txt': 'a' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  await mkdir(join(repo, 'mine'));
  await mkdir(join(repo, 'emptied'));
  await writeFile(join(repo, 'emptied/x'), '');
  const before = await snapshotUntracked({ repo, environment });
  assert.ok(before !== undefined);
  for (const name of ['made/deep', 'kept/made', 'filled', '_soil/job']) {
    await mkdir(join(repo, name), { recursive: true });
  }
  await rm(join(repo, 'emptied/x'));
  await writeLeftoverList({ repo, environment }, before);
  await writeFile(join(repo, 'filled/later.txt'), 'by a person');
  const lines: string[] = [];
  const removed = await removeLeftovers({ repo, environment }, (line) => lines.push(line));
  assert.ok(removed.ok);
  assert.deepEqual(lines.sort(), [
    '  "kept/made/"',
    '  "made/deep/"',
    'removing 2 untracked paths that earlier jobs created:',
  ]);
  const left = await readdir(repo, { recursive: true });
  assert.deepEqual(left.filter((name) => !name.startsWith('.git')).sort(), [
    '_soil',
    '_soil/job',
    'emptied',
    'filled',
    'filled/later.txt',
    'kept',
    'kept/a.txt',
    'mine',
  ]);
});

test('removeLeftovers() counts many files by their folder', async (t) => {
  const repo = await makeRepo({});
  t.after(() => rm(repo, { recursive: true, force: true }));
  const before = await snapshotUntracked({ repo, environment });
  assert.ok(before !== undefined);
  await mkdir(join(repo, 'build/deep'), { recursive: true });
  for (let i = 0; i < 30; i++) await writeFile(join(repo, i % 2 ? 'build' : 'build/deep', `${i}.o`), '');
  await writeFile(join(repo, 'own.o'), '');
  await writeLeftoverList({ repo, environment }, before);
  const lines: string[] = [];
  await removeLeftovers({ repo, environment }, (line) => lines.push(line));
  assert.deepEqual(lines, [
    'removing 31 untracked paths that earlier jobs created:',
    '  "build/": 30',
    '  "own.o"',
  ]);
  assert.deepEqual(await readdir(repo), ['.git']);
});

test('removeLeftovers() ignores invalid lists and paths that lead out of the repo', async (t) => {
  const repo = await makeRepo({ 'a.txt': 'a' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const list = valueOf(await leftoverListPath({ repo, environment }));
  const outside = `${repo}-outside.txt`;
  await writeFile(outside, 'x');
  t.after(() => rm(outside, { force: true }));
  for (const text of [
    JSON.stringify(
      ['../x', '.git/config', '/etc/passwd', 'a.txt'].map((path) => ({ path, size: 1, changed: 0 })),
    ),
    JSON.stringify([{ path: `../${outside.split('/').at(-1) ?? ''}`, size: 1, changed: 0 }]),
    '{}',
    'no json',
    '[null, 1, {"path": 3}]',
  ]) {
    await writeFile(list, text);
    const removed = await removeLeftovers({ repo, environment }, () => undefined);
    assert.ok(removed.ok && removed.value === 0, text);
  }
  assert.ok((await readdir(join(repo, '.git'))).includes('config'));
  await must('test', ['-e', outside]);
});

test('snapshotUntracked() lists every path, even if git prints more than 16 MiB', async (t) => {
  const folder = await makeRepo({});
  t.after(() => rm(folder, { recursive: true, force: true }));
  // Creating that many files takes too long, so a script prints their paths instead of git.
  const script = `#!/bin/sh\ncase "$*" in *ls-files*) seq -f '${'f'.repeat(250)}%.0f' 70000 | tr '\\n' '\\0' ;; esac\n`;
  await writeFile(join(folder, 'git'), script, { mode: 0o755 });
  const path = `${folder}:${environment.PATH ?? ''}`;
  const before = await snapshotUntracked({ repo: folder, environment: { ...environment, PATH: path } });
  assert.equal(before?.untracked.size, 70_000);
});

test('snapshotUntracked() returns undefined outside a repo', async (t) => {
  const repo = await makeRepo({});
  t.after(() => rm(repo, { recursive: true, force: true }));
  await rm(join(repo, '.git'), { recursive: true });
  assert.equal(
    await snapshotUntracked({ repo, environment: { ...environment, GIT_CEILING_DIRECTORIES: '/' } }),
    undefined,
  );
});
