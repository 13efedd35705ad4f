import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { buildZip } from '../test/zip-builder.js';
import { packFolder } from './pack-folder.js';
import { unpackWwz } from './unpack.js';

const run = promisify(execFile);
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soil-archive-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

const large = Buffer.alloc(500_000, 'a line\n');

async function makeFolder(): Promise<string> {
  const source = await mkdtemp(join(folder, 'source-'));
  await mkdir(join(source, 'a/b'), { recursive: true });
  await mkdir(join(source, 'empty'));
  await writeFile(join(source, 'a/b/c.txt'), 'c');
  await writeFile(join(source, 'a/large.gz'), large);
  await writeFile(join(source, 'a/none'), '');
  await writeFile(join(source, '.dot'), 'dot');
  await writeFile(join(source, 'zażółć 😀.html'), 'name');
  return source;
}

async function contentsOf(work: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const item of await readdir(work, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name);
    if (item.isFile()) contents.set(path.slice(work.length + 1), await readFile(path, 'latin1'));
  }
  return contents;
}

test('unpackWwz() inverts packFolder()', async () => {
  const source = await makeFolder();
  const target = join(folder, 'round.wwz');
  assert.deepEqual(await packFolder(source, target).then((r) => r.ok && [r.value.files, r.value.skipped]), [
    5,
    [],
  ]);
  const out = join(folder, 'round');
  const extracted = await unpackWwz(target, out);
  assert.ok(extracted.ok, extracted.ok ? '' : extracted.error);
  assert.deepEqual(await contentsOf(out), await contentsOf(source));
});

test('packFolder() copies the targets of links inside the folder, and lists what it skipped', async () => {
  const source = await makeFolder();
  await symlink('a/b/c.txt', join(source, 'inside'));
  await symlink('/etc/passwd', join(source, 'outside'));
  await symlink('a', join(source, 'to-folder'));
  await symlink('nowhere', join(source, 'dangling'));
  await symlink('.', join(source, 'a/loop'));
  await run('mkfifo', [join(source, 'fifo')]);
  const target = join(folder, 'links.wwz');
  const archived = await packFolder(source, target);
  assert.ok(archived.ok, archived.ok ? '' : archived.error);
  assert.deepEqual(archived.value.skipped, [
    { name: 'a/loop', reason: 'symlink to something other than a regular file' },
    { name: 'dangling', reason: 'broken symlink' },
    { name: 'fifo', reason: 'not a regular file' },
    { name: 'outside', reason: 'symlink to a file outside the folder' },
    { name: 'to-folder', reason: 'symlink to something other than a regular file' },
  ]);
  const out = join(folder, 'links');
  assert.ok((await unpackWwz(target, out)).ok);
  assert.equal((await contentsOf(out)).get('inside'), 'c');
  assert.equal((await contentsOf(out)).get('outside'), undefined);
});

test('packFolder() skips the wwz that it writes', async () => {
  const source = await makeFolder();
  const first = await packFolder(source, join(source, 'all.wwz'));
  const bytes = await readFile(join(source, 'all.wwz'));
  const second = await packFolder(source, join(source, 'all.wwz'));
  assert.deepEqual(second, first);
  assert.deepEqual(await readFile(join(source, 'all.wwz')), bytes);
});

test('packFolder() rejects a file and an invalid name', async () => {
  const missing = await packFolder(join(folder, 'missing'), join(folder, 'x.wwz'));
  assert.match(missing.ok ? '' : missing.error, /cannot read folder ".*missing": no such file or directory$/);
  const source = await makeFolder();
  await writeFile(join(source, 'a\\b'), '');
  const backslash = await packFolder(source, join(folder, 'x.wwz'));
  assert.match(backslash.ok ? '' : backslash.error, /cannot accept entry "a\\\\b": its name has a backslash/);
});

const invalid: [string, Buffer, RegExp][] = [
  [
    'a path outside the folder',
    buildZip([{ name: 'a' }, { name: '../evil', content: 'x' }]),
    /the part ".."/,
  ],
  ['an absolute path', buildZip([{ name: '/tmp/evil', content: 'x' }]), /absolute path/],
  ['a symlink', buildZip([{ name: 'l', content: '/etc', attributes: 0o120777 * 0x10000 }]), /symlink/],
  ['a wrong checksum', buildZip([{ name: 'a', content: 'x', crc: 1 }]), /CRC-32/],
  ['a file that is not a zip', Buffer.from('<html>'), /no end of central directory/],
];

for (const [what, bytes, reason] of invalid) {
  test(`unpackWwz() rejects ${what} before it writes a file`, async () => {
    const work = await mkdtemp(join(folder, 'invalid-'));
    await writeFile(join(work, 'a.wwz'), bytes);
    const extracted = await unpackWwz(join(work, 'a.wwz'), join(work, 'out'));
    assert.match(extracted.ok ? '' : extracted.error, reason);
    assert.deepEqual(await readdir(work), ['a.wwz']);
  });
}

test('unpackWwz() refuses a folder that has files', async () => {
  const work = await mkdtemp(join(folder, 'full-'));
  await writeFile(join(work, 'a.wwz'), buildZip([{ name: 'a', content: 'new' }]));
  await mkdir(join(work, 'out'));
  await writeFile(join(work, 'out/a'), 'old');
  const extracted = await unpackWwz(join(work, 'a.wwz'), join(work, 'out'));
  assert.match(extracted.ok ? '' : extracted.error, /: folder ".*out" is not empty/);
  assert.equal(await readFile(join(work, 'out/a'), 'utf8'), 'old');
});

test('unpackWwz() accepts a zip with a long comment, folders, and empty entries with a descriptor', async () => {
  const descriptor = Buffer.alloc(12);
  const zip = buildZip(
    [
      { name: 'd/', method: 0 },
      { name: 'd/empty', method: 0, flags: 0x808, after: descriptor },
      { name: 'd/full', content: 'full' },
    ],
    { comment: Buffer.from('long comment '.repeat(50)) },
  );
  const work = await mkdtemp(join(folder, 'comment-'));
  await writeFile(join(work, 'a.wwz'), zip);
  const extracted = await unpackWwz(join(work, 'a.wwz'), join(work, 'out'));
  assert.ok(extracted.ok, extracted.ok ? '' : extracted.error);
  assert.deepEqual(
    await contentsOf(join(work, 'out')),
    new Map([
      ['d/empty', ''],
      ['d/full', 'full'],
    ]),
  );
});

test('unpackWwz() accepts the output of zip, from files and through a pipe', async () => {
  const source = await makeFolder();
  const work = await mkdtemp(join(folder, 'zip-'));
  await run('sh', ['-c', `zip -qr "$1/a.wwz" . && zip -qr - . > "$1/b.wwz"`, 'sh', work], { cwd: source });
  await run('sh', ['-c', 'LC_ALL=C zip -qr "$1/c.wwz" .', 'sh', work], { cwd: source });
  for (const name of ['a', 'b', 'c']) {
    const extracted = await unpackWwz(join(work, `${name}.wwz`), join(work, name));
    assert.ok(extracted.ok, extracted.ok ? '' : `${name}: ${extracted.error}`);
    assert.deepEqual(await contentsOf(join(work, name)), await contentsOf(source));
  }
});
