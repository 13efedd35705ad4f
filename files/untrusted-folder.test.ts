import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { EntryError } from './folder-entry.js';
import { UntrustedFolder } from './untrusted-folder.js';
import { resolveInside, walkFolder } from './untrusted-walk.js';

interface Fixture {
  readonly folder: UntrustedFolder;
  /** the untrusted folder, and one beside it that must not change */
  readonly root: string;
  readonly outside: string;
}

async function fixtureOf(t: TestContext): Promise<Fixture> {
  const parent = await mkdtemp(join(tmpdir(), 'soil-folder-'));
  const [root, outside] = [join(parent, 'root'), join(parent, 'outside')];
  await mkdir(join(root, 'a/b'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(root, 'a/b/file'), 'inside\n');
  await writeFile(join(outside, 'secret'), 'secret\n');
  const folder = new UntrustedFolder(root);
  t.after(async () => {
    folder.close();
    await rm(parent, { recursive: true, force: true });
  });
  return { folder, root, outside };
}

const reason = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof EntryError, String(error));
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /\/proc\//);
  return true;
};

test('UntrustedFolder reads files, and says why it cannot', async (t) => {
  const { folder, root } = await fixtureOf(t);
  await writeFile(join(root, 'empty'), '');
  assert.equal((await folder.readFile('a/b/file', 100)).toString(), 'inside\n');
  assert.equal((await folder.readFile('./a//b/./file', 7)).toString(), 'inside\n');
  assert.equal((await folder.readFile('empty', 0)).length, 0);
  assert.equal(folder.stat('a/b/file')?.size, 7);
  assert.equal(folder.stat('a/none'), undefined);
  await assert.rejects(folder.readFile('a/b/file', 6), reason(/^it has more than 6 bytes$/));
  await assert.rejects(folder.readFile('none', 9), reason(/^no such file or directory$/));
  await assert.rejects(folder.readFile('a/b', 9), reason(/^is a directory$/));
  await assert.rejects(folder.readFile('a/b/file/x', 9), reason(/^"a\/b\/file" is not a directory$/));
  await assert.rejects(folder.readFile('../outside/secret', 9), reason(/^it has the part "\.\."$/));
  await assert.rejects(folder.readFile('/etc/passwd', 9), reason(/^it is an absolute path$/));
});

test('UntrustedFolder follows no link, in no part of a path', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  await symlink(join(outside, 'secret'), join(root, 'file-link'));
  await symlink(outside, join(root, 'a/folder-link'));
  await symlink('a', join(root, 'inner'));
  await symlink('nowhere', join(root, 'dangling'));
  for (const [path, name] of [
    ['file-link', 'file-link'],
    ['a/folder-link/secret', 'a/folder-link'],
    ['inner/b/file', 'inner'],
    ['dangling', 'dangling'],
  ] as const) {
    const isLink = reason(new RegExp(`^"${name}" is a symbolic link$`));
    await assert.rejects(folder.readFile(path, 100), isLink, path);
    await assert.rejects(folder.copyOut(path, join(outside, 'copy')), isLink, path);
  }
  await assert.rejects(
    folder.writeFile('a/folder-link/new', 'x'),
    reason(/"a\/folder-link" is a symbolic link/),
  );
  assert.throws(
    () => {
      folder.makeFolder('a/folder-link/new');
    },
    reason(/"a\/folder-link" is a symbolic link/),
  );
  assert.throws(
    () => {
      folder.remove('a/folder-link/secret');
    },
    reason(/"a\/folder-link" is a symbolic link/),
  );
  assert.throws(() => folder.list('a/folder-link'), reason(/is a symbolic link/));
  assert.deepEqual(readdirSync(outside), ['secret']);
});

test(
  'UntrustedFolder neither waits for a pipe nor opens a socket or a device',
  { timeout: 10_000 },
  async (t) => {
    const { folder, root } = await fixtureOf(t);
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await assert.rejects(folder.readFile('pipe', 9), reason(/^not a regular file$/));
    await assert.rejects(folder.copyOut('pipe', join(root, 'x')), reason(/^not a regular file$/));
    await folder.writeFile('pipe', 'now a file');
    assert.equal(await readFile(join(root, 'pipe'), 'utf8'), 'now a file');
    const devices = new UntrustedFolder('/dev');
    t.after(() => {
      devices.close();
    });
    await assert.rejects(devices.readFile('null', 9), reason(/^not a regular file$/));
  },
);

test('UntrustedFolder replaces a link by the file that it writes', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  await symlink(join(outside, 'secret'), join(root, 'log'));
  await link(join(outside, 'secret'), join(root, 'hard'));
  for (const name of ['log', 'hard']) {
    await folder.writeFile(name, 'mine');
    assert.equal(await readFile(join(root, name), 'utf8'), 'mine');
    assert.ok((await stat(join(root, name))).isFile());
  }
  await folder.copyIn(join(outside, 'secret'), 'a/copy');
  assert.equal((await stat(join(root, 'a/copy'))).nlink, 1);
  assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'secret\n');
  await assert.rejects(folder.writeFile('a', 'x'), reason(/directory/));
  assert.deepEqual(readdirSync(root).sort(), ['a', 'hard', 'log']);
});

test('UntrustedFolder keeps its folder when the path names another one', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  execFileSync('mv', [root, `${root}.moved`]);
  await symlink(outside, root);
  await folder.writeFile('new', 'x');
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.ok(existsSync(`${root}.moved/new`));
});

test('copyOut() keeps no right to run as the owner', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  await chmod(join(root, 'a/b/file'), 0o6755);
  await folder.copyOut('a/b/file', join(outside, 'copy'));
  assert.equal(statSync(join(outside, 'copy')).mode & 0o7122, 0o0100);
});

test('remove() removes links themselves, read-only and deep folders, and names that are not UTF-8', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  await symlink(outside, join(root, 'a/link'));
  execFileSync('sh', [
    '-c',
    `cd "$1" && mkdir -p a/ro/sub && : >a/ro/sub/f && chmod 500 a/ro/sub a/ro && printf '' >"a/$(printf '\\377')" &&
     cd a && i=0 && while [ $i -lt 300 ]; do mkdir dddddddddddddddddddd && cd -P dddddddddddddddddddd; i=$((i+1)); done`,
    'sh',
    root,
  ]);
  folder.remove('a');
  folder.remove('a');
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(readdirSync(outside), ['secret']);
});

test('walkFolder() lists what is there and enters no link', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  await symlink(outside, join(root, 'a/link'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  await mkdir(join(root, 'skip/deep'), { recursive: true });
  const found: string[] = [];
  for await (const { path, kind } of walkFolder(folder, '', (name) => name !== 'skip'))
    found.push(`${path} ${kind}`);
  assert.deepEqual(found.sort(), [
    'a folder',
    'a/b folder',
    'a/b/file file',
    'a/link link',
    'pipe other',
    'skip folder',
  ]);
});

test('resolveInside() follows links that stay in the folder, and refuses others', async (t) => {
  const { folder, root, outside } = await fixtureOf(t);
  const links: Readonly<Record<string, string>> = {
    in: 'a/b',
    'a/up': '../a/b/file',
    absolute: join(folder.path, 'a'),
    out: outside,
    dots: '../outside',
    'a/b/far': '../../../outside/secret',
    loop: 'loop',
    etc: '/etc',
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
  assert.equal(resolveInside(folder, './in/file'), 'a/b/file');
  assert.equal(resolveInside(folder, 'a/up'), 'a/b/file');
  assert.equal(resolveInside(folder, 'absolute/b/'), 'a/b');
  assert.equal(resolveInside(folder, 'a/../a'), 'a');
  assert.equal(resolveInside(folder, '.'), '');
  for (const name of ['out/secret', 'dots', 'a/b/far', 'etc/passwd', '../outside'])
    assert.throws(() => resolveInside(folder, name), reason(/^it leads out of "/), name);
  assert.throws(() => resolveInside(folder, 'loop'), reason(/too many symbolic links/));
  assert.throws(() => resolveInside(folder, 'none'), reason(/^no such file or directory$/));
});
