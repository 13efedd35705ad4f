import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { UntrustedFolder } from '../../files/untrusted-folder.js';
import { valueOf } from '../../model/result.js';
import { must } from '../../test/command.js';
import { makeRepo } from '../../test/git-repo.js';
import { copyCommit } from './commit-copy.js';
import { RepoArchive, recordBytes } from './repo-archive.js';
import { listRepoFiles } from './repo-files.js';

const environment = { PATH: process.env.PATH, HOME: '/nonexistent' };

async function temporary(t: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'soil-archive-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Packs a repo as an ssh host gets it, and unpacks it by a tar program. Returns the folder, and the notices. */
async function send(t: TestContext, repo: string, tar: readonly string[] = ['tar']) {
  const folder = new UntrustedFolder(repo);
  const isExcluded = (path: string) => path === '_soil' || path.startsWith('_soil/');
  const listed = valueOf(await listRepoFiles({ folder, environment, isExcluded }));
  const archive = new RepoArchive(folder, 'repo');
  archive.addFolder('repo');
  for (const path of listed.paths) archive.addRepoPath(path);
  const copy = valueOf(await copyCommit(folder.path, environment));
  for (const { name, path, size } of copy?.entries ?? []) {
    if (size === undefined) archive.addFolder(`repo/${name}`);
    else archive.addOwnFile(`repo/${name}`, path, { size, mode: 0o644 });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of archive.chunks()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  assert.equal(bytes.length, archive.records * recordBytes);
  folder.close();
  await copy?.close();
  const target = await temporary(t);
  const [program = '', ...words] = tar;
  const child = spawn(program, [...words, '-xpf', '-', '-C', target], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  await pipeline(Readable.from([bytes]), child.stdin);
  assert.equal(await ended, 0);
  return { repo: join(target, 'repo'), notices: [...listed.notices, ...archive.notices] };
}

const long = `${'deep/'.repeat(40)}${'n'.repeat(120)}.txt`;

for (const tar of [['tar'], ['busybox', 'tar']]) {
  test(`a repo arrives whole through ${tar.join(' ')}: modes, links, long names and names in UTF-8`, async (t) => {
    const repo = await makeRepo({
      'soil.yml': 'x',
      'a b/größe 日本.txt': 'schön',
      [long]: 'deep',
      'empty.txt': '',
      'large.bin': Buffer.alloc(3_000_001, 7),
      'gone.txt': 'deleted',
      '.gitignore': 'ignored\n',
      'line\nbreak': 'x',
    });
    t.after(() => rm(repo, { recursive: true, force: true }));
    await writeFile(join(repo, 'run.sh'), '#!/bin/sh\n');
    await chmod(join(repo, 'run.sh'), 0o755);
    await writeFile(join(repo, 'ignored'), 'secret');
    await mkdir(join(repo, '_soil/job'), { recursive: true });
    await writeFile(join(repo, '_soil/job/x'), 'own');
    await symlink('/etc/passwd', join(repo, 'link'));
    await symlink('t'.repeat(150), join(repo, 'long link'));
    await rm(join(repo, 'gone.txt'));
    const sent = await send(t, repo, tar);
    assert.deepEqual(sent.notices, []);
    assert.equal(await readFile(join(sent.repo, 'a b/größe 日本.txt'), 'utf8'), 'schön');
    assert.equal(await readFile(join(sent.repo, long), 'utf8'), 'deep');
    assert.equal(await readFile(join(sent.repo, 'line\nbreak'), 'utf8'), 'x');
    assert.equal((await lstat(join(sent.repo, 'empty.txt'))).size, 0);
    assert.deepEqual(await readFile(join(sent.repo, 'large.bin')), Buffer.alloc(3_000_001, 7));
    assert.equal((await lstat(join(sent.repo, 'run.sh'))).mode & 0o777, 0o755);
    assert.equal(await readlink(join(sent.repo, 'link')), '/etc/passwd');
    assert.equal(await readlink(join(sent.repo, 'long link')), 't'.repeat(150));
    for (const name of ['ignored', '_soil', 'gone.txt']) await assert.rejects(lstat(join(sent.repo, name)));
  });
}

test('git status, log and describe work in the copy, and nothing of the configuration is in it', async (t) => {
  const repo = await makeRepo({ 'soil.yml': 'x', 'sub/a.txt': 'a', 'b.txt': 'b' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const git = (...words: readonly string[]) => must('git', ['-C', repo, ...words]);
  await git('config', 'http.extraHeader', 'AUTHORIZATION: basic SECRET');
  await git('remote', 'add', 'origin', 'https://user:secret@example.org/x.git');
  await git('-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '--allow-empty', '-qm', 'second');
  await git('-c', 'user.name=x', '-c', 'user.email=x@x', 'tag', '-a', '-m', 'tag', 'v1.2');
  await git('checkout', '-q', '-b', 'topic/x');
  await writeFile(join(repo, 'b.txt'), 'changed');
  await writeFile(join(repo, 'new.txt'), 'new');
  const sent = await send(t, repo);
  const there = (...words: readonly string[]) =>
    must('git', ['-C', sent.repo, '-c', 'safe.directory=*', ...words]);
  assert.equal(await there('status', '--porcelain', '--branch'), '## topic/x\n M b.txt\n?? new.txt\n');
  assert.equal(await there('log', '-1', '--format=%H %s'), await git('log', '-1', '--format=%H %s'));
  assert.equal(await there('describe'), 'v1.2\n');
  assert.equal(await there('rev-list', '--count', 'HEAD'), '1\n');
  assert.equal(await there('fsck', '--strict'), '');
  assert.doesNotMatch(await readFile(join(sent.repo, '.git/config'), 'utf8'), /http|remote|user/);
  await assert.rejects(lstat(join(sent.repo, '.git/objects/info/alternates')));
  await there('checkout', '-q', '--', 'b.txt');
  assert.equal(await readFile(join(sent.repo, 'b.txt'), 'utf8'), 'b');
});

test('a detached HEAD, a linked worktree, a repo without a commit and a folder without git are sent', async (t) => {
  const repo = await makeRepo({ 'soil.yml': 'x' });
  t.after(() => rm(repo, { recursive: true, force: true }));
  const git = (...words: readonly string[]) => must('git', ['-C', repo, ...words]);
  const tree = join(await temporary(t), 'tree "quoted" \\ and spaced');
  await git('worktree', 'add', '-q', '--detach', tree);
  const detached = await send(t, tree);
  const status = (at: string) =>
    must('git', ['-C', at, '-c', 'safe.directory=*', 'status', '--porcelain', '--branch']);
  assert.equal(await status(detached.repo), '## HEAD (no branch)\n');
  const unborn = await temporary(t);
  await must('git', ['init', '-q', '-b', 'first', unborn]);
  await writeFile(join(unborn, 'a'), 'a');
  assert.equal(await status((await send(t, unborn)).repo), '## No commits yet on first\n?? a\n');
  const plain = await temporary(t);
  await mkdir(join(plain, 'x/y'), { recursive: true });
  await writeFile(join(plain, 'x/y/a'), 'a');
  assert.equal(await readFile(join((await send(t, plain)).repo, 'x/y/a'), 'utf8'), 'a');
});

test('the files of a submodule and of a repo in the repo are sent, without what they ignore', async (t) => {
  const [repo, other] = [
    await makeRepo({ 'soil.yml': 'x' }),
    await makeRepo({ 'lib.c': 'int x;', '.gitignore': '*.o\n' }),
  ];
  t.after(() => Promise.all([repo, other].map((path) => rm(path, { recursive: true, force: true }))));
  await must('git', [
    '-C',
    repo,
    '-c',
    'protocol.file.allow=always',
    'submodule',
    '--quiet',
    'add',
    other,
    'lib',
  ]);
  await must('git', ['clone', '-q', other, join(repo, 'clone')]);
  for (const name of ['lib', 'clone']) await writeFile(join(repo, name, 'lib.o'), 'object');
  await mkdir(join(repo, 'unfilled'));
  const sent = await send(t, repo);
  for (const name of ['lib', 'clone']) {
    assert.equal(await readFile(join(sent.repo, name, 'lib.c'), 'utf8'), 'int x;');
    await assert.rejects(lstat(join(sent.repo, name, 'lib.o')));
    await assert.rejects(lstat(join(sent.repo, name, '.git')));
  }
});

test('a tracked file below a folder that became a link is not read through the link', async (t) => {
  const [repo, outside] = [await makeRepo({ 'soil.yml': 'x', 'd/passwd': 'tracked' }), await temporary(t)];
  t.after(() => rm(repo, { recursive: true, force: true }));
  await writeFile(join(outside, 'passwd'), 'SECRET');
  await rm(join(repo, 'd'), { recursive: true });
  await symlink(outside, join(repo, 'd'));
  const sent = await send(t, repo);
  assert.equal(await readlink(join(sent.repo, 'd')), outside);
  assert.ok((await lstat(join(sent.repo, 'd'))).isSymbolicLink());
});

test('a pipe, and a name that is not UTF-8, are left out, the name with a notice', async (t) => {
  const plain = await temporary(t);
  await must('mkfifo', [join(plain, 'pipe')]);
  await writeFile(Buffer.concat([Buffer.from(`${plain}/`), Buffer.from([0x61, 0xff])]), 'x');
  await writeFile(join(plain, 'ok'), 'x');
  const sent = await send(t, plain);
  assert.equal(sent.notices.length, 2);
  assert.match(sent.notices.join('\n'), /its name is not UTF-8\n.*"pipe".*it is no file, folder or link/);
  assert.equal(await readFile(join(sent.repo, 'ok'), 'utf8'), 'x');
});
