import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { pack } from 'tar-stream';
import { unpackResults, type UnpackOptions } from './result-archive.js';

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soil-unpack-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly text?: string };

function tarOf(entries: readonly Entry[]): AsyncIterable<Buffer> {
  const tar = pack();
  for (const { text = '', ...header } of entries) tar.entry(header, text);
  tar.finalize();
  return tar as unknown as AsyncIterable<Buffer>;
}

/** `archive` is made when it is read: Node discards what nothing reads when a process ends. */
async function unpack(
  t: TestContext,
  archive: AsyncIterable<Buffer> | (() => AsyncIterable<Buffer>),
  more: Partial<UnpackOptions> = {},
) {
  const folder = join(await temporary(t), 'fresh');
  await mkdir(folder);
  const limits = { isWanted: () => true, maxBytes: 10_000_000, maxFiles: 1000 };
  return {
    folder,
    ...(await unpackResults(typeof archive === 'function' ? archive() : archive, {
      folder,
      ...limits,
      ...more,
    })),
  };
}

test('unpackResults() writes regular files and their folders, for the owner alone', async (t) => {
  const end = await unpack(
    t,
    tarOf([
      { name: './a/b c.txt', text: 'x', mode: 0o6777 },
      { name: 'größe', text: 'y' },
    ]),
  );
  assert.deepEqual([end.files, end.notices, end.failure], [2, [], undefined]);
  assert.equal(await readFile(join(end.folder, 'a/b c.txt'), 'utf8'), 'x');
  assert.equal((await lstat(join(end.folder, 'a/b c.txt'))).mode & 0o7777, 0o600);
});

const hostile: readonly (readonly [string, Entry, RegExp])[] = [
  ['a symbolic link', { name: 'out', type: 'symlink', linkname: '/root' }, /"out".*: it is a symbolic link/],
  ['a hard link', { name: 'out', type: 'link', linkname: '/root/secret' }, /"out".*: it is a hard link/],
  ['a block device', { name: 'out', type: 'block-device', devmajor: 8 }, /"out".*: it is a device/],
  ['a character device', { name: 'out', type: 'character-device', devmajor: 1 }, /"out".*: it is a device/],
  ['a pipe', { name: 'out', type: 'fifo' }, /"out".*: it is a pipe/],
  ['a path that leaves the folder', { name: '../out' }, /"\.\.\/out".*: its path has "\.\."/],
  ['a path that leaves it in its middle', { name: 'a/../../out' }, /its path has "\.\."/],
  ['an absolute path', { name: '/tmp/out' }, /"\/tmp\/out".*: its path is absolute/],
  ['a path with an empty part', { name: 'a//out' }, /its path has an empty part/],
  ['a control character', { name: 'a\nb' }, /its path has a control character/],
  ['a name that is too long', { name: 'n/'.repeat(3000) + 'x' }, /longer than 4000 bytes/],
];

for (const [what, entry, message] of hostile) {
  test(`unpackResults() refuses ${what} by name, and takes the other files`, async (t) => {
    const end = await unpack(t, tarOf([{ name: 'first', text: '1' }, entry, { name: 'last', text: '2' }]));
    assert.equal(end.failure, undefined);
    assert.equal(end.notices.length, 1);
    assert.match(end.notices[0] ?? '', message);
    assert.deepEqual((await readdir(end.folder)).sort(), ['first', 'last']);
    assert.deepEqual(await readdir(join(end.folder, '..')), ['fresh']);
  });
}

test('unpackResults() refuses a file that comes twice, and one in the place of a folder', async (t) => {
  const end = await unpack(
    t,
    tarOf([
      { name: 'a', text: 'first' },
      { name: './a', text: 'second' },
      { name: 'a/b', text: 'below a file' },
      { name: 'd/x', text: '1' },
      { name: 'd', text: 'over a folder' },
    ]),
  );
  assert.equal(await readFile(join(end.folder, 'a'), 'utf8'), 'first');
  assert.match(
    end.notices.join('\n'),
    /"\.\/a".*: the archive has it twice\n.*"a\/b".*another file\n?.*"d".*another file/s,
  );
});

test('unpackResults() refuses what the job does not declare, and more bytes or files than the limits', async (t) => {
  const unwanted = await unpack(
    t,
    tarOf([
      { name: 'x', text: '1' },
      { name: 'y', text: '2' },
    ]),
    {
      isWanted: (name) => name === 'y',
    },
  );
  assert.match(
    unwanted.notices.join('\n'),
    /^cannot take "x" from the task host: the job does not declare it$/,
  );
  assert.deepEqual(await readdir(unwanted.folder), ['y']);
  const large = await unpack(
    t,
    tarOf([
      { name: 'x', text: '12345' },
      { name: 'y', text: '678' },
    ]),
    { maxBytes: 7 },
  );
  assert.match(large.notices.join('\n'), /^cannot take "y".*: all results together are larger than 7 bytes$/);
  const many = await unpack(t, tarOf(Array.from({ length: 150 }, (_, i) => ({ name: `f${i}`, text: 'x' }))), {
    maxFiles: 10,
  });
  assert.equal(many.files, 10);
  assert.equal(many.notices.length, 101);
  assert.match(many.notices.at(-1) ?? '', /^and 40 other files/);
});

/** One header whose size says that much more follows. */
function header(name: string, typeflag: string, size: number): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(name);
  bytes.write('0000644', 100);
  bytes.write(size.toString(8).padStart(11, '0'), 124);
  bytes.fill(' ', 148, 156);
  bytes.write(typeflag, 156);
  bytes.write('ustar\0' + '00', 257);
  bytes.write(
    bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0'),
    148,
  );
  return bytes;
}

const endless = (first: Buffer, count: number): AsyncIterable<Buffer> =>
  Readable.from([first, ...Array.from({ length: count }, () => Buffer.alloc(65_536))]);

test('unpackResults() ends a header that would fill the memory, and an archive that is cut or no tar', async (t) => {
  for (const flag of ['x', 'g', 'L', 'K']) {
    const end = await unpack(t, endless(header('p', flag, 8 ** 11 - 1), 100));
    assert.match(end.failure ?? '', /max size/, flag);
  }
  const cut = await unpack(t, endless(header('whole', '0', 1_000_000), 3));
  assert.match(cut.failure ?? '', /end of data|Unexpected/);
  assert.deepEqual(await readdir(cut.folder), [], 'an incomplete file is removed');
  const empty = await unpack(t, Readable.from([]));
  assert.equal(empty.failure, 'the archive is empty');
  const random = await unpack(t, endless(Buffer.alloc(65_536, 'no tar '), 1));
  assert.match(random.failure ?? '', /header|checksum/i);
  const negative = await unpack(t, endless(header('n', '0', 0).fill(0xff, 124, 136), 1));
  assert.ok(negative.failure !== undefined);
});

test('unpackResults() reads what tar and busybox tar write', async (t) => {
  const source = await temporary(t);
  const name = `${'deep/'.repeat(40)}größe ${'n'.repeat(120)}`;
  await mkdir(join(source, 'deep/'.repeat(40)), { recursive: true });
  await writeFile(join(source, name), 'x');
  await symlink('/etc/passwd', join(source, 'deep/link'));
  for (const tar of [['tar'], ['busybox', 'tar']]) {
    const [program = '', ...words] = tar;
    const end = await unpack(t, () => {
      const child = spawn(program, [...words, '-C', source, '-cf', '-', '.'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return child.stdout as AsyncIterable<Buffer>;
    });
    assert.equal(end.failure, undefined);
    assert.equal(await readFile(join(end.folder, name), 'utf8'), 'x');
    assert.match(
      end.notices.join('\n'),
      /^cannot take ".\/deep\/link" from the task host: it is a symbolic link$/,
    );
  }
});
